"""Parquet with the column ``item``, and perhaps ``force`` and ``ping``; other columns are not read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from airflow_media_provider.catalog.override import Override, read_override
from airflow_media_provider.catalog.rows import CHUNK, NOT_UTF8, Rejected, Rows, reject
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
_WANTED = ("item", "force", "ping")


def read(file: BinaryIO, uri: str, jobs: Collection[str]) -> Iterator[Rows]:
    """Yield the rows; an item that is null is rejected."""
    import pyarrow.parquet as pq

    table = pq.ParquetFile(file)
    names = table.schema_arrow.names
    if "item" not in names:
        have = ", ".join(map(repr, names)) or "none"
        raise SelectionError(f"items_uri {uri}: the table has no column 'item'; it has: {have}")
    first = 1
    columns = [name for name in _WANTED if name in names]
    for batch in table.iter_batches(batch_size=CHUNK, columns=columns):
        yield _rows(batch, uri, first, jobs)
        first += batch.num_rows


def _rows(batch: pa.RecordBatch, uri: str, first: int, jobs: Collection[str]) -> Rows:
    def place(index: int) -> str:
        return f"row {first + index} of {uri}"

    rejected: list[Rejected] = []
    values = _strings(batch.column("item"), place, uri, rejected)
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


def _strings(column: pa.Array, place: Any, uri: str, rejected: list[Rejected]) -> pa.LargeStringArray:
    for index in pc.indices_nonzero(pc.is_null(column)).to_pylist():
        rejected.append(reject("", place(index), "has no item; give each row one"))
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not any(fits(column.type) for fits in _TEXTUAL):
        raise SelectionError(f"items_uri {uri}: column 'item' has type {column.type}; make it a string")
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
    columns = {name: batch.column(name) for name in batch.schema.names if name != "item"}
    if not columns or batch.num_rows == 0:
        return
    said = pa.array([False] * batch.num_rows)
    for column in columns.values():
        said = pc.or_(said, pc.is_valid(column))
    for index in pc.indices_nonzero(said).to_pylist():
        yield index, {name: column[index].as_py() for name, column in columns.items()}
