"""What failed in a backfill's earlier runs: it is left out until somebody asks to try it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from airflow_media_provider.runs.backfill import Backfill
from airflow_media_provider.runs.children import root_of
from airflow_media_provider.runs.layout import JobLayout
from airflow_media_provider.runs.leave_out import read_rows, write_rows
from airflow_media_provider.runs.rows import report_rows
from airflow_media_provider.storage import Stores
from beam_jobs.contract.report import Status

OUTCOME = "/outcome.json"


def note_failed(backfill: Backfill, stores: Stores) -> list[dict[str, Any]]:
    """Write the cells that failed in any run of the backfill, and return them as ``job, item, run``.

    What was noted before stays: a run that leaves a cell out does not report it as failed again.
    """
    known = {(row["job"], row["item"]): row for row in read_rows(backfill.left_out, stores)}
    known |= {(row["job"], row["item"]): row for row in _reported(backfill, stores)}
    rows = [known[cell] for cell in sorted(known)]
    write_rows(backfill.left_out, rows, stores)
    return rows


def forget_failed(backfill: Backfill, stores: Stores) -> list[dict[str, Any]]:
    """Let every failed cell be tried again, and return them."""
    rows = note_failed(backfill, stores)
    write_rows(backfill.left_out, (), stores)
    return rows


def _reported(backfill: Backfill, stores: Stores) -> Iterator[dict[str, Any]]:
    """Read the reports of the jobs that say they lost something; one listing finds them."""
    prefix = backfill.layout(backfill.run_prefix).uri
    for batch in stores.for_uri(prefix).list_uris(prefix):
        for uri in batch:
            if not uri.endswith(OUTCOME):
                continue
            if not json.loads(stores.for_uri(uri).read(uri))["counts"].get("failed"):
                continue
            layout = JobLayout(uri.removesuffix(OUTCOME))
            run = backfill.run_prefix + uri.removeprefix(prefix).partition("/")[0]
            for row in report_rows(layout, stores, containing=f'"{Status.FAILED}"'):
                if row.status == Status.FAILED:
                    # A plan knows items only: with a child that failed, its item is left out.
                    yield {"job": row.job, "item": root_of(row.item), "run": run}
