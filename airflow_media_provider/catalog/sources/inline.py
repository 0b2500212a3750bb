"""Items given with the request itself: pasted in a form, or arguments of a command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_media_provider.catalog.rows import CHUNK, Rejected, Request, Rows, reject, strings


def read(request: Request) -> Iterator[Rows]:
    """Yield the items; space around them is not part of them, and blank ones are dropped."""
    given = [request.value] if isinstance(request.value, str) else list(request.value)
    for first in range(0, len(given), CHUNK):
        yield _rows(given[first : first + CHUNK], first)


def _rows(given: list[Any], first: int) -> Rows:
    def place(index: int) -> str:
        return f"item {first + index + 1} of the list"

    values: list[str | None] = []
    rejected: list[Rejected] = []
    for index, entry in enumerate(given):
        if isinstance(entry, str):
            values.append(entry.strip() or None)
        else:
            values.append(None)
            rejected.append(reject(repr(entry), place(index), "is not text; write the item's id in quotes"))
    array, not_unicode = strings(values, place)
    return Rows(values=array, place=place, rejected=[*rejected, *not_unicode])
