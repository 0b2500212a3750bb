"""Rows of any source -> sorted, unique items; nothing that was read is lost on the way."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from airflow_media_provider.catalog.override import Override
from airflow_media_provider.catalog.reference import read_references, source_address
from airflow_media_provider.catalog.rows import Rejected, Rows, reject
from airflow_media_provider.errors import SelectionError
from airflow_media_provider.registry.model import JobGraph

MAX_REJECTED = 100_000
"""More wrong rows than this are a wrong list, not a list with wrong rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What all rows together come to: ``items + duplicates + rejected`` = the rows that were not blank."""

    items: pa.LargeStringArray
    overrides: dict[str, Override]
    rejected: tuple[Rejected, ...]
    duplicates: int


class Collector:
    """Takes rows until the source has no more."""

    def __init__(self, graph: JobGraph) -> None:
        self._source = source_address(graph)
        self._chunks: list[pa.LargeStringArray] = []
        self._overrides: dict[str, Override] = {}
        self._rejected: list[Rejected] = []

    def add(self, rows: Rows) -> None:
        """Take rows; raises SelectionError when nearly nothing of a source makes sense."""
        references = read_references(rows.values, self._source)
        self._rejected += rows.rejected
        for index in sorted(references.faults):
            value = rows.values[index].as_py()
            self._rejected.append(reject(value, rows.place(index), references.faults[index]))
        if len(self._rejected) > MAX_REJECTED:
            first = self._rejected[0]
            raise SelectionError(
                f"more than {MAX_REJECTED} rows cannot be items; "
                f"the first, {first.value[:100]!r} at {first.where}, {first.why}"
            )
        for index, override in rows.overrides.items():
            item = references.ids[index].as_py()
            if item is not None:
                self._overrides[item] = override.over(self._overrides.get(item))
        self._chunks.append(references.ids.drop_null())

    def finish(self) -> Collected:
        """Return the items in order, each once."""
        read = sum(map(len, self._chunks))
        items = _sorted_unique(self._chunks)
        return Collected(
            items=items,
            overrides=self._overrides,
            rejected=tuple(self._rejected),
            duplicates=read - len(items),
        )


def _sorted_unique(chunks: list[pa.LargeStringArray]) -> pa.LargeStringArray:
    items = pa.concat_arrays(chunks) if chunks else pa.array([], pa.large_string())
    chunks.clear()  # a long list is in memory twice while it is sorted, not three times
    if len(items) < 2:  # noqa: PLR2004
        return items
    if pc.all(pc.less(items[:-1], items[1:])).as_py():
        return items
    items = items.take(pc.sort_indices(items))
    first = pa.concat_arrays([pa.array([True]), pc.not_equal(items[:-1], items[1:])])
    return items if pc.all(first).as_py() else items.filter(first)
