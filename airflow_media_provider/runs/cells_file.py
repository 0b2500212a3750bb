"""A plan's cells on storage: one Parquet file for all jobs, and one manifest per job for its worker."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from airflow_media_provider.planning import Action, Cell, CellTable, CodeBook, JobCells
from airflow_media_provider.storage.store import ObjectStore
from beam_jobs.contract.manifest import ManifestRow, encode_plain_rows, encode_row

BoolArray = NDArray[np.bool_]

ITEM = "item"
CODES = b"codes"
BLOCK = 1 << 16
"""Rows in a row group, and rows turned into text at a time."""

SPOOL_BYTES = 16 << 20
"""What is written is held in memory up to here and on disk beyond."""


def write_cells(store: ObjectStore, uri: str, items: pa.LargeStringArray, cells: CellTable) -> None:
    """Write every cell: the items, and per job a column of codes that says in its metadata what they mean."""
    fields = [pa.field(ITEM, pa.large_string(), nullable=False)]
    columns: list[pa.Array] = [items]
    for job in cells.jobs:
        codes = pa.array(cells.codes[job])
        # "job:" keeps a job whose name is "item" apart.
        fields.append(pa.field(_column(job), codes.type, metadata={CODES: cells.books[job].to_json()}))
        columns.append(codes)
    schema = pa.schema(fields)
    with _spool() as file:
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            writer.write_table(pa.table(columns, schema=schema), row_group_size=BLOCK)
        file.seek(0)
        store.write(uri, file)


def read_job_cells(store: ObjectStore, uri: str, job: str) -> JobCells:
    """Return the cells of one job; no other column is read."""
    with store.open(uri) as file:
        table = pq.read_table(file, columns=[ITEM, _column(job)])
    items = table.column(ITEM).combine_chunks().cast(pa.large_string())
    return JobCells(
        job=job, items=items, codes=_codes(table, job), book=_book(table.schema.field(_column(job)))
    )


def read_item(store: ObjectStore, uri: str, item: str) -> list[Cell]:
    """Return the cells of one item, parents first; none when the plan does not have it.

    The file is sorted, so only the row group that can hold the item is read.
    """
    with store.open(uri) as file:
        table = pq.read_table(file, filters=pc.field(ITEM) == pa.scalar(item, pa.large_string()))
    cells: list[Cell] = []
    for field in table.schema:
        if field.name == ITEM or not len(table):
            continue
        job = field.name.removeprefix(_column(""))
        action, reason = _words(_book(field), int(_codes(table, job)[0]))
        cells.append(Cell(item=item, job=job, action=action, reason=reason))
    return cells


def write_manifest(
    store: ObjectStore, uri: str, items: pa.LargeStringArray, cells: CellTable, job: str
) -> None:
    """Write the manifest of the items that ``job`` must do."""
    todo = cells.of(job, items)
    todo = todo.take(todo.mask(Action.RUN))
    write_rows(store, uri, todo.items, forced=todo.forced, ping=todo.ping)


def write_rows(
    store: ObjectStore, uri: str, items: pa.LargeStringArray, *, forced: BoolArray, ping: BoolArray
) -> None:
    """Write a manifest, some rows at a time."""
    with _spool() as file:
        for start in range(0, len(items), BLOCK):
            part = slice(start, start + BLOCK)
            names = items[part].to_pylist()
            if forced[part].any() or ping[part].any():
                rows = zip(names, forced[part].tolist(), ping[part].tolist(), strict=True)
                file.write("".join(_lines(rows)).encode())
            else:
                file.write(encode_plain_rows(names).encode())
        file.seek(0)
        store.write(uri, file)


def _lines(rows: Iterator[tuple[str, bool, bool]]) -> Iterator[str]:
    for item, force, ping in rows:
        yield encode_row(ManifestRow(item=item, force=force, ping=ping)) + "\n"


def _spool() -> BinaryIO:
    return cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))


def _column(job: str) -> str:
    return f"job:{job}"


def _book(field: pa.Field) -> CodeBook:
    return CodeBook.from_json(field.metadata[CODES])


def _codes(table: pa.Table, job: str) -> NDArray[np.uint8] | NDArray[np.uint16]:
    codes: NDArray[np.uint8] | NDArray[np.uint16] = table.column(_column(job)).to_numpy()
    return codes


def _words(book: CodeBook, code: int) -> tuple[str, str]:
    return book.names[code & ~book.ping_bit]
