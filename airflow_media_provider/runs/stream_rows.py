"""What streams reported of one item."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from airflow_media_provider.errors import ObjectNotFound
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.runs.stream_spec import STREAMS_FOLDER
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.store import ObjectStore
from beam_jobs.contract.json_lines import encode_line
from beam_jobs.contract.report import ReportRow, decode_report_row

THREADS = 16
PARTS = 2000
"""How many of the newest parts are searched: a stream writes one for each handful of messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRow:
    """A row of a stream's report.

    :param stream: the stream's name.
    :param written: seconds since the epoch at which its part was written.
    """

    stream: str
    written: float
    row: ReportRow


def stream_rows(graph: JobGraph, item: str, stores: Stores, *, parts: int = PARTS) -> list[StreamRow]:
    """Return each stream's newest row of ``item`` in each job.

    :param parts: how many of the newest parts of all streams' reports to search.
    """
    newest: dict[tuple[str, str], StreamRow] = {}
    folder = f"{graph.root.rstrip('/')}/{STREAMS_FOLDER}/"
    store = stores.for_uri(folder)
    for found in _search(_newest_parts(folder, store, parts), item, store):
        if found.row.job in graph.jobs:
            newest.setdefault((found.stream, found.row.job), found)
    return list(newest.values())


def _newest_parts(folder: str, store: ObjectStore, most: int) -> list[tuple[float, str, str]]:
    """Return time, URI and stream of report parts, the newest first."""
    found = [
        (info.updated, info.uri, home.removeprefix(folder).rstrip("/"))
        for home in store.list_folders(folder)
        for batch in store.list_objects(f"{home}report/part-")
        for info in batch
    ]
    return sorted(found, reverse=True)[:most]


def _search(parts: list[tuple[float, str, str]], item: str, store: ObjectStore) -> Iterator[StreamRow]:
    """Yield the rows of ``item``, the newest first."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="stream-rows") as pool:
        texts = pool.map(lambda part: _read(part[1], store), parts)
        for (written, _, stream), text in zip(parts, texts, strict=True):
            for row in reversed(_rows_of(item, text)):
                yield StreamRow(stream=stream, written=written, row=row)


def _read(uri: str, store: ObjectStore) -> str:
    try:
        return store.read(uri).decode()
    except ObjectNotFound:  # removed since it was listed
        return ""


def _rows_of(item: str, text: str) -> list[ReportRow]:
    needle = encode_line(item)
    rows = (decode_report_row(line) for line in text.split("\n") if needle in line)
    return [row for row in rows if row.item == item]
