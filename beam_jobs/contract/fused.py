"""The fused spec: several jobs of one plan that one Beam job does, item by item."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beam_jobs.contract.errors import InvalidSpec
from beam_jobs.contract.json_lines import encode_line
from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.manifest import ManifestRow
from beam_jobs.contract.stream import LineJob


class FusedSpec(BaseModel):
    """One Beam job that does several jobs.

    Each job keeps a spec and a report of its own; only the manifest is one for all.

    :param fused: what tells this document from a launch spec.
    :param name: of the group.
    :param line: the jobs, parents first.
    :param manifest: URI of the manifest, a line per item with the jobs that are to be done for it.
    :param total: rows in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    fused: Literal[True] = True
    name: str
    line: tuple[LineJob, ...] = Field(min_length=1)
    manifest: str
    total: int = Field(ge=0)

    @property
    def first(self) -> LaunchSpec:
        """The first job's spec: where and how all of them run."""
        return self.line[0].spec


def encode_fused_row(item: str, rows: Mapping[str, ManifestRow]) -> str:
    """Return one line without its newline.

    :param rows: job -> its row of ``item``.
    """
    jobs = {
        job: {name: True for name in ("force", "ping") if getattr(row, name)} for job, row in rows.items()
    }
    return encode_line({"item": item, "jobs": jobs})


def decode_fused_row(line: str) -> dict[str, ManifestRow]:
    """Return job -> row; raises InvalidSpec with the line."""
    try:
        data = json.loads(line)
        if not isinstance(data["item"], str):
            raise TypeError("the item is not a string")
        return {job: ManifestRow(item=data["item"], **asked) for job, asked in data["jobs"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidSpec(f"manifest line {line[:200]!r} is not {{'item', 'jobs'}}: {error}") from error


def is_fused(text: str | bytes) -> bool:
    """Tell whether a spec is one of several jobs."""
    try:
        data = json.loads(text)
    except ValueError:
        return False
    return isinstance(data, dict) and data.get("fused") is True


def decode_fused(text: str | bytes, *, where: str) -> FusedSpec:
    """Read a fused spec; raises InvalidSpec that names ``where`` and each fault."""
    try:
        return FusedSpec.model_validate_json(text)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidSpec(f"fused spec {where}: {faults}") from error
