"""Plain text: one item a line; white space around it is not part of it, blank lines are dropped."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import BinaryIO

from airflow_media_provider.catalog.formats.lines import read_lines
from airflow_media_provider.catalog.rows import Rows


def read(file: BinaryIO, uri: str, jobs: Collection[str]) -> Iterator[Rows]:
    """Yield the lines."""
    for lines in read_lines(file, uri):
        yield Rows(values=lines.values, place=lines.place, rejected=lines.rejected)
