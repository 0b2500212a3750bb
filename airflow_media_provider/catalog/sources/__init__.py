"""The item sources; a new one is a file here and a line in ``SOURCES``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from airflow_media_provider.catalog.rows import Request, Rows
from airflow_media_provider.catalog.sources import inline, list_file, prefix, query

SOURCES: Mapping[str, Callable[[Request], Iterator[Rows]]] = {
    "items": inline.read,
    "items_uri": list_file.read,
    "prefix": prefix.read,
    "items_query": query.read,
}
"""Name in a request -> what reads it."""
