"""JSON Lines: a string, or an object with ``item``, perhaps ``force``, ``ping``, ``request``, per line."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from airflow_media_provider.catalog.formats.lines import Lines, read_lines
from airflow_media_provider.catalog.override import Override, read_override
from airflow_media_provider.catalog.rows import Rejected, Rows, reject, strings
from airflow_media_provider.catalog.view import View

# The two plain shapes, without escapes; anything else goes through the JSON parser line by line.
_PLAIN = r'^(?:"(?P<bare>[^"\\]*)"|\{\s*"item"\s*:\s*"(?P<item>[^"\\]*)"\s*\})$'
_NEVER = r"^(?P<bare>a)\z(?P<item>a)$"
"""Fits no line: with a filter, or another column, every line is parsed."""


def read(file: BinaryIO, uri: str, jobs: Collection[str], view: View) -> Iterator[Rows]:
    """Yield the rows; a line that is not JSON is rejected and the next one read.

    :raises SelectionError: for a column that no line of the whole file has.
    """
    seen: set[str] = set()
    for lines in read_lines(file, uri):
        yield _rows(lines, jobs, view, seen)
    if not view.is_plain and seen:
        view.check(sorted(seen), f"items_uri {uri}")


def _rows(lines: Lines, jobs: Collection[str], view: View, seen: set[str]) -> Rows:
    plain = pc.extract_regex(lines.values, _PLAIN if view.is_plain else _NEVER)
    bare, item = pc.struct_field(plain, "bare"), pc.struct_field(plain, "item")
    values = pc.if_else(pc.equal(bare, ""), item, bare)
    parsed: dict[int, str | None] = {}
    overrides: dict[int, Override] = {}
    rejected = list(lines.rejected)
    todo = pc.and_(pc.is_valid(lines.values), pc.is_null(plain))
    for index in pc.indices_nonzero(todo).to_pylist():
        line = lines.values[index].as_py()
        try:
            parsed[index], override = _row(line, jobs, view, seen)
        except (ValueError, RecursionError) as error:
            rejected.append(reject(line, lines.place(index), _why(error)))
        else:
            if override is not None:
                overrides[index] = override
    if parsed:
        values, not_unicode = _with(values, parsed, lines)
        rejected += not_unicode
    return Rows(values=values, place=lines.place, overrides=overrides, rejected=rejected)


def _row(line: str, jobs: Collection[str], view: View, seen: set[str]) -> tuple[str | None, Override | None]:
    """Return the item of a line, None when the filter does not want it, and what else it says."""
    row = json.loads(line)
    if isinstance(row, dict):
        seen.update(row)
        if not view.takes(row):
            return None, None
        if view.item not in row:
            raise ValueError(f'has no "{view.item}"; it has: {", ".join(row) or "nothing"}')
        said = read_override(row.get("force"), row.get("ping"), jobs, row.get("request"))
        return _text(row[view.item]), said
    if not view.is_plain:
        raise ValueError("is no object, so it has no columns")
    return _text(row), None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"has a {type(value).__name__} where an item's id should be; write it in quotes")


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: {error.msg} at column {error.colno}"
    return str(error) if isinstance(error, ValueError) else "is JSON nested too deeply"


def _with(
    values: pa.LargeStringArray, parsed: dict[int, str | None], lines: Lines
) -> tuple[pa.LargeStringArray, list[Rejected]]:
    """Return ``values`` with the parsed rows put in."""
    import numpy as np

    positions = list(parsed)
    array, rejected = strings(parsed.values(), lambda index: lines.place(positions[index]))
    mask = np.zeros(len(values), dtype=bool)
    mask[positions] = True
    return pc.replace_with_mask(values, pa.array(mask), array), rejected
