"""Read a job's report rows of one run."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_media_provider.runs.layout import JobLayout
from airflow_media_provider.storage import Stores
from beam_jobs.contract.report import ReportRow, decode_report_row


def report_rows(
    layout: JobLayout, stores: Stores, *, containing: str = "", worker: bool = True
) -> Iterator[ReportRow]:
    """Yield the rows of a job's report: the worker's parts, then the rows of the second look.

    :param containing: only lines that hold this text are decoded, which makes a search quick.
    :param worker: with the worker's parts; without, when it has not run and what is there is older.
    """
    store = stores.for_uri(layout.uri)
    found = store.list_uris(f"{layout.report}/part-") if worker else ()
    parts = sorted(uri for batch in found for uri in batch)
    if store.exists(layout.blocked):
        parts.append(layout.blocked)
    for part in parts:
        with store.open(part) as file:
            for raw in file:
                line = raw.decode()
                if containing in line:
                    yield decode_report_row(line)
