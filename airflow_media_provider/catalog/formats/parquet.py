"""Parquet with a column of items, and perhaps ``force`` and ``ping``; of others those of the filter."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from airflow_media_provider.catalog.arrow_filter import expression_of
from airflow_media_provider.catalog.override import Override, read_override
from airflow_media_provider.catalog.rows import CHUNK, NOT_UTF8, Rejected, Rows, reject
from airflow_media_provider.catalog.view import View
from airflow_media_provider.errors import SelectionError

MAGIC = b"PAR1"
_TEXTUAL = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_integer,
)
_SAID = ("force", "ping")
_ROW = "row of the file"
"""A column that is put beside those of the table, so that a row that a filter leaves knows its place."""


def read(file: BinaryIO, uri: str, jobs: Collection[str], view: View) -> Iterator[Rows]:
    """Yield the rows; an item that is null is rejected. Memory holds one batch of one row group."""
    import pyarrow.parquet as pq

    table = pq.ParquetFile(file)
    schema = table.schema_arrow
    view.check(schema.names, f"items_uri {uri}")
    columns = [name for name in schema.names if name in {view.item, *_SAID, *view.columns}]
    wanted = None if view.wanted is None else expression_of(view.wanted, schema)
    groups = None if wanted is None else _groups(file, wanted)
    first = 1
    for group in range(table.num_row_groups):
        rows = table.metadata.row_group(group).num_rows
        if groups is None or group in groups:
            numbers = first
            for batch in table.iter_batches(batch_size=CHUNK, row_groups=[group], columns=columns):
                yield rows_of(_fitting(batch, numbers, wanted), f"of {uri}", f"items_uri {uri}", jobs, view)
                numbers += batch.num_rows
        first += rows


def _groups(file: BinaryIO, wanted: pc.Expression) -> frozenset[int]:
    """Return the row groups in which, as their statistics say, something can fit."""
    import pyarrow.dataset as ds

    fragment = ds.ParquetFileFormat().make_fragment(file).subset(wanted)
    return frozenset(group.id for group in fragment.row_groups)


def _fitting(batch: pa.RecordBatch, first: int, wanted: pc.Expression | None) -> pa.RecordBatch:
    """Return the rows that fit, each with its number."""
    batch = numbered(batch, first)
    if wanted is None:
        return batch
    found = pa.Table.from_batches([batch]).filter(wanted).combine_chunks().to_batches()
    return found[0] if found else batch.slice(0, 0)


def numbered(batch: pa.RecordBatch, first: int) -> pa.RecordBatch:
    """Return the batch with the numbers of its rows, from ``first``."""
    numbers = pa.array(range(first, first + batch.num_rows), pa.int64())
    return pa.RecordBatch.from_arrays([*batch.columns, numbers], names=[*batch.schema.names, _ROW])


def rows_of(batch: pa.RecordBatch, where: str, source: str, jobs: Collection[str], view: View) -> Rows:
    """Return a batch as rows.

    :param where: ends the place of a row.
    :param source: begins what is said of the whole table.
    """
    numbers = batch.column(_ROW)

    def place(index: int) -> str:
        return f"row {numbers[index]} {where}"

    rejected: list[Rejected] = []
    values = _strings(batch.column(view.item), place, f"{source}: column {view.item!r}", rejected)
    overrides: dict[int, Override] = {}
    bad: list[int] = []
    for index, said in _said(batch):
        try:
            override = read_override(said.get("force"), said.get("ping"), jobs)
        except ValueError as error:
            bad.append(index)
            rejected.append(reject(str(values[index].as_py()), place(index), str(error)))
        else:
            if override is not None:
                overrides[index] = override
    if bad:
        keep = pa.array([index not in set(bad) for index in range(len(values))])
        values = pc.if_else(keep, values, pa.scalar(None, pa.large_string()))
    return Rows(values=values, place=place, overrides=overrides, rejected=rejected)


def _strings(column: pa.Array, place: Any, what: str, rejected: list[Rejected]) -> pa.LargeStringArray:
    for index in pc.indices_nonzero(pc.is_null(column)).to_pylist():
        rejected.append(reject("", place(index), "has no item; give each row one"))
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not any(fits(column.type) for fits in _TEXTUAL):
        raise SelectionError(f"{what} has type {column.type}; make it a string")
    try:
        return column.cast(pa.large_string())
    except pa.ArrowInvalid:
        return _decode(column.to_pylist(), place, rejected)


def _decode(values: list[bytes | None], place: Any, rejected: list[Rejected]) -> pa.LargeStringArray:
    decoded: list[str | None] = []
    for index, value in enumerate(values):
        try:
            decoded.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            decoded.append(None)
            rejected.append(reject(value or b"", place(index), NOT_UTF8))
    return pa.array(decoded, pa.large_string())


def _said(batch: pa.RecordBatch) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows that say more than their item."""
    columns = {name: batch.column(name) for name in _SAID if name in batch.schema.names}
    if not columns or batch.num_rows == 0:
        return
    said = pa.array([False] * batch.num_rows)
    for column in columns.values():
        said = pc.or_(said, pc.is_valid(column))
    for index in pc.indices_nonzero(said).to_pylist():
        yield index, {name: column[index].as_py() for name, column in columns.items()}
