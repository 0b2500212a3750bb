"""The kinds of list file; a new one is a file here and a line in ``FORMATS``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import BinaryIO

from airflow_media_provider.catalog.formats import avro, csv_table, json_lines, parquet, text
from airflow_media_provider.catalog.rows import Rows
from airflow_media_provider.catalog.view import View

ListFormat = Callable[[BinaryIO, str, Collection[str], View], Iterator[Rows]]
"""Reads an open file that can seek; its URI is for messages, the job names for ``force``."""

FORMATS: Mapping[str, ListFormat] = {
    ".avro": avro.read,
    ".csv": csv_table.read,
    ".tsv": csv_table.read,
    ".json": json_lines.read,
    ".jsonl": json_lines.read,
    ".ndjson": json_lines.read,
    ".parquet": parquet.read,
    ".pq": parquet.read,
}
"""Suffix of the name -> what reads the file; any other name is text, one item a line."""


def format_of(uri: str, head: bytes) -> ListFormat:
    """Return what reads the file; Parquet and Avro are also seen by their first four bytes."""
    if head == parquet.MAGIC:
        return parquet.read
    if head == avro.MAGIC:
        return avro.read
    name = uri.rpartition("/")[2].lower().removesuffix(".gz")
    _, dot, suffix = name.rpartition(".")
    return FORMATS.get(dot + suffix, text.read)
