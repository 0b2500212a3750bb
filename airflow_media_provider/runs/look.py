"""The second look, just before a job starts: what is left to do, and which of it has its inputs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_media_provider.planning import Action, JobCells
from airflow_media_provider.registry.model import SOURCE
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.cells_file import read_job_cells, write_rows
from airflow_media_provider.runs.inventory import take_inventory
from airflow_media_provider.runs.stored import StoredPlan
from airflow_media_provider.storage import Stores
from beam_jobs.contract.report import ReportRow, Status, encode_report_row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobManifest:
    """What one job has to do now.

    :param uri: the manifest, JSON Lines.
    :param run: rows in it.
    :param present: items whose artifact is there.
    :param blocked: items that cannot be done.
    """

    job: str
    uri: str
    run: int
    present: int
    blocked: int

    def line(self) -> str:
        """Return the counts as one line for a log."""
        return f"{self.job}: {self.run} to run, {self.present} present, {self.blocked} blocked"


def look_again(plan: StoredPlan, job: str, stores: Stores) -> JobManifest:
    """Narrow a job's planned manifest to what is still missing and can be done.

    One listing of the job's artifacts and one of each input; an artifact made since the plan counts as
    present, also a forced one. Items whose input is not there become ``blocked`` report rows.
    """
    layout = plan.layout.job(job)
    cells = read_job_cells(stores.for_uri(plan.layout.cells), plan.layout.cells, job)
    wanted = cells.mask(Action.RUN)
    present = int(cells.mask(Action.SKIP, reason="present").sum())
    blocked = int(cells.mask(Action.BLOCKED).sum()) + plan.rejected
    todo = cells.take(wanted)
    if len(todo.items) and not plan.query.ping:
        made = _made_since(plan, job, todo, stores)
        present += int(made.sum())
        todo = todo.take(~made)
        source_there, parents_there = _inputs(plan, job, todo.items, stores)
        ready = (source_there & parents_there) | todo.ping
        _write_blocked(plan, job, todo.items, ready, source_there, stores)
        blocked += int((~ready).sum())
        todo = todo.take(ready)
    write_rows(stores.for_uri(layout.todo), layout.todo, todo.items, forced=todo.forced, ping=todo.ping)
    manifest = JobManifest(job=job, uri=layout.todo, run=len(todo.items), present=present, blocked=blocked)
    stores.for_uri(layout.look).write(layout.look, json.dumps(asdict(manifest)).encode())
    return manifest


def planned_manifest(plan: StoredPlan, job: str) -> JobManifest:
    """Return a job's manifest as planned, for a run that starts at once."""
    counts = plan.counts[job]
    return JobManifest(
        job=job,
        uri=plan.layout.job(job).planned,
        run=counts["run"],
        present=counts["present"],
        blocked=counts["blocked"],
    )


def _made_since(plan: StoredPlan, job: str, todo: JobCells, stores: Stores) -> BoolArray:
    """Tell which items were made after the plan: absent ones that are there, forced ones made again."""
    address = recipe(plan.graph, job).address
    inventory = take_inventory(plan.graph, (job,), todo.items, stores, source=False, stale=False)
    made = inventory.present[job] & ~todo.ping
    if todo.forced.any():
        planned_at = plan.planned_at.timestamp()
        young = [
            item
            for batch in stores.for_uri(address.prefix).list_objects(address.prefix)
            for info in batch
            if info.updated >= planned_at and (item := address.item_of(info.uri)) is not None
        ]
        again = pc.is_in(todo.items, value_set=pa.array(young, pa.large_string()))
        made &= ~todo.forced | again.to_numpy(zero_copy_only=False)
    return made


def _inputs(
    plan: StoredPlan, job: str, items: pa.LargeStringArray, stores: Stores
) -> tuple[BoolArray, BoolArray]:
    """Tell for which items the source is there, and for which every parent's artifact is."""
    this = plan.graph.jobs[job]
    inventory = take_inventory(
        plan.graph, this.parents, items, stores, source=SOURCE in this.needs, stale=False
    )
    everything = np.ones(len(items), dtype=np.bool_)
    source = inventory.source if SOURCE in this.needs else everything
    parents = everything.copy()
    for parent in this.parents:
        parents &= inventory.present[parent]
    return source, parents


def _write_blocked(
    plan: StoredPlan,
    job: str,
    items: pa.LargeStringArray,
    ready: BoolArray,
    source_there: BoolArray,
    stores: Stores,
) -> None:
    uri = plan.layout.job(job).blocked
    why_source = f"source-missing: no source file at {plan.graph.source}"
    why_parent = f"parent-failed: an artifact of {', '.join(plan.graph.jobs[job].parents)} is not there"

    def lines() -> Iterator[str]:
        for index in np.flatnonzero(~ready):
            message = why_parent if source_there[index] else why_source
            row = ReportRow(
                item=items[int(index)].as_py(), job=job, status=Status.BLOCKED, stage="plan", message=message
            )
            yield encode_report_row(row) + "\n"

    stores.for_uri(uri).write(uri, "".join(lines()).encode())
