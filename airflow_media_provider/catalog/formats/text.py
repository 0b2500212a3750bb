"""Plain text: one item a line; white space around it is not part of it, blank lines are dropped."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import BinaryIO

from airflow_media_provider.catalog.formats.lines import read_lines
from airflow_media_provider.catalog.rows import Rows
from airflow_media_provider.catalog.view import View
from airflow_media_provider.errors import SelectionError


def read(file: BinaryIO, uri: str, jobs: Collection[str], view: View) -> Iterator[Rows]:
    """Yield the lines."""
    if not view.is_plain:
        raise SelectionError(
            f"items_uri {uri}: plain text has no columns; leave out items_column and items_filter, or give "
            "CSV, JSON Lines, Parquet or Avro, named so"
        )
    for lines in read_lines(file, uri):
        yield Rows(values=lines.values, place=lines.place, rejected=lines.rejected)
