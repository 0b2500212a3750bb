"""A manifest: the sorted, unique items of one job in one run, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from beam_jobs.contract.errors import InvalidSpec
from beam_jobs.contract.json_lines import encode_line, encode_strings


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """One item that a job shall process.

    :param item: the item's id.
    :param force: do it again although its artifact exists.
    :param ping: only trace it: one ``pinged`` report row, no work.
    """

    item: str
    force: bool = False
    ping: bool = False


def encode_row(row: ManifestRow) -> str:
    """Return ``row`` as one line without its newline."""
    data: dict[str, object] = {"item": row.item}
    if row.force:
        data["force"] = True
    if row.ping:
        data["ping"] = True
    return encode_line(data)


def encode_plain_rows(items: Iterable[str]) -> str:
    """Return the lines, each with its newline, of items that are neither forced nor traced."""
    return encode_strings(items, before='{"item":', after="}")


def decode_row(line: str) -> ManifestRow:
    """Return the row in ``line``; raises InvalidSpec with the line."""
    try:
        data = json.loads(line)
        if not isinstance(data["item"], str):
            raise TypeError("the item is not a string")
        return ManifestRow(
            item=data["item"], force=bool(data.get("force", False)), ping=bool(data.get("ping", False))
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidSpec(f"manifest line {line[:200]!r} is not {{'item': …}}: {error}") from error
