"""The report: exactly one row per item of a manifest, whatever became of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from beam_jobs.contract.errors import InvalidSpec
from beam_jobs.contract.json_lines import encode_line


class Status(StrEnum):
    """What became of one (item, job) cell."""

    DONE = "done"
    PRESENT = "present"
    FAILED = "failed"
    BLOCKED = "blocked"
    QUARANTINED = "quarantined"
    PINGED = "pinged"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One row.

    :param stage: where a failure happened: ``fetch``, ``decode``, ``step``, ``model``, ``encode``, ``write``,
        ``plan``.
    :param seconds: stage -> wall seconds.
    :param cpu_seconds: stage -> CPU seconds, for the stages that run in the step's process.
    :param bytes_in: bytes of all inputs.
    :param bytes_out: bytes of the artifact.
    :param media_seconds: playing time of the input.
    """

    item: str
    job: str
    status: Status
    uri: str = ""
    error_class: str = ""
    message: str = ""
    stage: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    bytes_in: int = 0
    bytes_out: int = 0
    media_seconds: float = 0.0


def encode_report_row(row: ReportRow) -> str:
    """Return ``row`` as one JSON line without its newline."""
    return encode_line(asdict(row))


def decode_report_row(line: str) -> ReportRow:
    """Return the row in ``line``; raises InvalidSpec with the line."""
    try:
        data = json.loads(line)
        return ReportRow(**{**data, "status": Status(data["status"])})
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidSpec(f"report line {line[:200]!r} cannot be read: {error}") from error


def count_statuses(rows: Iterable[ReportRow]) -> dict[str, int]:
    """Count rows per status; every status is a key."""
    counts = {str(status): 0 for status in Status}
    for row in rows:
        counts[row.status] += 1
    return counts
