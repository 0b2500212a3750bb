"""The second look, just before a job starts: what is left to do, and which of it has its inputs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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
from airflow_media_provider.runs.left import Blocked, Left
from airflow_media_provider.runs.look_at_children import narrow_to_children
from airflow_media_provider.runs.stored import StoredPlan
from airflow_media_provider.storage import Stores
from beam_jobs.contract.report import ReportRow, encode_report_row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobManifest:
    """What one job has to do now; of a job over children all counts are of children.

    :param uri: the manifest, JSON Lines.
    :param run: rows in it.
    :param present: items whose artifact is there.
    :param blocked: items that cannot be done; one whose children are not there counts once.
    """

    job: str
    uri: str
    run: int
    present: int
    blocked: int

    def line(self) -> str:
        """Return the counts as one line for a log."""
        return f"{self.job}: {self.run} to run, {self.present} present, {self.blocked} blocked"


def look_again(
    plan: StoredPlan,
    job: str,
    stores: Stores,
    *,
    coming: frozenset[str] = frozenset(),
    fused: Mapping[str, pa.LargeStringArray] | None = None,
) -> JobManifest:
    """Narrow a job's planned manifest to what is still missing and can be done.

    One listing of the job's artifacts and one of each input; an artifact made since the plan counts as
    present, also a forced one. Items whose input is not there become ``blocked`` report rows. Of a job over
    children each child is looked at, and counted.

    :param coming: jobs that the same worker does just before this one over children; whether their
        artifacts are there is for the worker to see.
    :param fused: job -> items that it makes in the same Beam job, so that their artifacts need not be there.
    """
    layout = plan.layout.job(job)
    cells = read_job_cells(stores.for_uri(plan.layout.cells), plan.layout.cells, job)
    made = recipe(plan.graph, job)
    if made.level is None:
        present = int(cells.mask(Action.SKIP, reason="present").sum())
    else:
        present = plan.children.get(job, 0)
    blocked = int(cells.mask(Action.BLOCKED).sum()) + plan.rejected
    todo = cells.take(cells.mask(Action.RUN))
    left = Left(items=todo.items, forced=todo.forced, ping=todo.ping)
    if len(todo.items) and not plan.query.ping:
        if made.level is None:
            left = _narrow(plan, job, todo, stores, fused or {})
        else:
            left = narrow_to_children(plan, made, todo, stores, coming=coming)
        stores.for_uri(layout.blocked).write(layout.blocked, _lines(left.blocked_rows()))
    write_rows(stores.for_uri(layout.todo), layout.todo, left.items, forced=left.forced, ping=left.ping)
    manifest = JobManifest(
        job=job,
        uri=layout.todo,
        run=len(left.items),
        present=present + left.present,
        blocked=blocked + left.blocked_count,
    )
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


def _narrow(
    plan: StoredPlan, job: str, todo: JobCells, stores: Stores, fused: Mapping[str, pa.LargeStringArray]
) -> Left:
    made = _made_since(plan, job, todo, stores)
    present = int(made.sum())
    todo = todo.take(~made)
    source_there, parents_there = _inputs(plan, job, todo.items, stores, fused)
    ready = (source_there & parents_there) | todo.ping
    blocked = Blocked(
        graph=plan.graph, job=job, items=todo.items.filter(pa.array(~ready)),
        source_there=source_there[~ready], parents=plan.graph.jobs[job].parents,
    )  # fmt: skip
    todo = todo.take(ready)
    return Left(items=todo.items, forced=todo.forced, ping=todo.ping, present=present, blocked=(blocked,))


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
    plan: StoredPlan,
    job: str,
    items: pa.LargeStringArray,
    stores: Stores,
    fused: Mapping[str, pa.LargeStringArray],
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
        there = inventory.present[parent]
        if parent in fused:
            there = there | pc.is_in(items, value_set=fused[parent]).to_numpy(zero_copy_only=False)
        parents &= there
    return source, parents


def _lines(rows: Iterable[ReportRow]) -> bytes:
    return "".join(f"{encode_report_row(row)}\n" for row in rows).encode()
