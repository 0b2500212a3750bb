"""Cells that a run does not try: a JSON Lines file with ``job`` and ``item`` per row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from airflow_media_provider.errors import ObjectNotFound, PlanError
from airflow_media_provider.runs.children import root_of
from airflow_media_provider.storage import Stores
from beam_jobs.contract.json_lines import encode_line

BoolArray = NDArray[np.bool_]


def read_rows(uri: str, stores: Stores) -> list[dict[str, Any]]:
    """Return the rows of a file of cells; none when it is not there.

    :raises PlanError: for a row that names no cell.
    """
    try:
        text = stores.for_uri(uri).read(uri).decode()
    except ObjectNotFound:
        return []
    rows = []
    for number, line in enumerate(filter(None, text.split("\n")), start=1):
        try:
            row = json.loads(line)
            rows.append({**row, "job": str(row["job"]), "item": str(row["item"])})
        except (ValueError, KeyError, TypeError) as error:
            raise PlanError(f'leave_out {uri}:{number}: write {{"job": …, "item": …}}; {error}') from error
    return rows


def write_rows(uri: str, rows: Iterable[Mapping[str, Any]], stores: Stores) -> None:
    """Write a file of cells."""
    text = "".join(f"{encode_line(dict(row))}\n" for row in rows)
    stores.for_uri(uri).write(uri, text.encode())


def read_left_out(
    uri: str | None, jobs: Iterable[str], items: pa.LargeStringArray, stores: Stores
) -> dict[str, BoolArray]:
    """Return job -> per item whether it is not to be tried; jobs without such an item are not in it."""
    left_out: dict[str, list[str]] = {}
    for row in read_rows(uri, stores) if uri else ():
        # The row of a child is about the item that it was made of, for that is what a plan knows.
        left_out.setdefault(row["job"], []).extend({row["item"], root_of(row["item"])})
    return {
        job: pc.is_in(items, value_set=pa.array(left_out[job], pa.large_string())).to_numpy(
            zero_copy_only=False
        )
        for job in jobs
        if job in left_out
    }
