"""Avro records with an item each, and perhaps ``force``, ``ping`` and ``request``."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any, BinaryIO

from airflow_media_provider.catalog.override import Override, read_override
from airflow_media_provider.catalog.rows import CHUNK, Rejected, Rows, reject, strings
from airflow_media_provider.catalog.view import View
from airflow_media_provider.errors import SelectionError, StorageError

MAGIC = b"Obj\x01"


def read(file: BinaryIO, uri: str, jobs: Collection[str], view: View) -> Iterator[Rows]:
    """Yield the rows; an item that is null is rejected. Memory holds one block of the file and one chunk."""
    records = _records(file, uri, view)
    first = 1
    while chunk := list(islice(records, CHUNK)):
        yield _rows(chunk, first, uri, jobs, view)
        first += len(chunk)


def _records(file: BinaryIO, uri: str, view: View) -> Iterator[dict[str, Any]]:
    import fastavro

    try:
        reader: Any = fastavro.reader(file)
        schema = reader.writer_schema
        fields = schema.get("fields", ()) if isinstance(schema, dict) else ()
        view.check([field["name"] for field in fields], f"items_uri {uri}")
        yield from reader
    except (SelectionError, StorageError, OSError):
        raise
    except Exception as error:  # the library lets through whatever damaged bytes lead it to
        raise SelectionError(f"items_uri {uri}: cannot be read as Avro: {error}") from error


def _rows(records: list[dict[str, Any]], first: int, uri: str, jobs: Collection[str], view: View) -> Rows:
    def place(index: int) -> str:
        return f"record {first + index} of {uri}"

    values: list[str | None] = []
    overrides: dict[int, Override] = {}
    rejected: list[Rejected] = []
    for index, record in enumerate(records):
        values.append(None)
        try:
            if not view.takes(record):
                continue
            item = _text(record[view.item])
            override = read_override(record.get("force"), record.get("ping"), jobs, record.get("request"))
        except ValueError as error:
            rejected.append(reject(str(record[view.item] or ""), place(index), str(error)))
            continue
        values[index] = item
        if override is not None:
            overrides[index] = override
    array, not_unicode = strings(values, place)
    return Rows(values=array, place=place, overrides=overrides, rejected=[*rejected, *not_unicode])


def _text(value: Any) -> str:
    if value is None:
        raise ValueError("has no item; give each record one")
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise ValueError(f"has a {type(value).__name__} where an item's id should be; make it a string")
