"""A plan on storage: written once, read by every task of the run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow_media_provider.errors import ObjectNotFound, PlanError
from airflow_media_provider.planning import Mode, PlanQuery
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.snapshot import dump_graph, load_graph
from airflow_media_provider.runs.cells_file import write_cells, write_manifest
from airflow_media_provider.runs.layout import RunLayout, safe_run_id
from airflow_media_provider.runs.plan import Plan
from airflow_media_provider.storage import Stores
from beam_jobs.contract.json_lines import encode_line

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """A plan as a task finds it.

    :param planned_at: artifacts of forced items that are younger are this run's own.
    :param counts: job -> ``run``, ``present``, ``blocked``.
    :param items: how many items were selected.
    :param rejected: how many lines of the selection cannot be items.
    :param partition: key of the slice that was selected.
    :param children: job over children -> how many there are of the items that are present.
    """

    run_id: str
    layout: RunLayout
    graph: JobGraph
    query: PlanQuery
    dry_run: bool
    planned_at: datetime
    counts: dict[str, dict[str, int]]
    items: int
    rejected: int
    duplicates: int
    partition: str | None = None
    children: dict[str, int] = field(default_factory=dict)

    @property
    def jobs(self) -> tuple[str, ...]:
        """The jobs that the mode reaches, parents first."""
        return tuple(self.counts)

    def line(self) -> str:
        """Return the plan's counts as one line for a log."""
        per_job = "; ".join(
            f"{job} {c['run']} run, {c['present']} present, {c['blocked']} blocked"
            for job, c in self.counts.items()
        )
        return (
            f"{self.items} items ({self.duplicates} duplicates merged, {self.rejected} rejected): {per_job}"
        )


def save_plan(plan: Plan, *, run_id: str, planned_at: datetime, stores: Stores) -> StoredPlan:
    """Write ``plan`` into its run folder, in place of an earlier one; return it as a task will find it."""
    layout = RunLayout.of(plan.graph.root, run_id)
    forget_plan(layout, stores)
    store = stores.for_uri(layout.uri)
    rejected = (
        encode_line({"value": r.value, "where": r.where, "why": r.why}) for r in plan.selection.rejected
    )
    store.write(layout.request, plan.request.model_dump_json().encode())
    store.write(layout.rejected, "".join(f"{line}\n" for line in rejected).encode())
    write_cells(store, layout.cells, plan.selection.items, plan.cells)
    for job in plan.jobs:
        write_manifest(store, layout.job(job).planned, plan.selection.items, plan.cells, job)
    stored = StoredPlan(
        run_id=safe_run_id(run_id),
        layout=layout,
        graph=plan.graph,
        query=plan.query,
        dry_run=plan.request.dry_run,
        planned_at=planned_at,
        counts=plan.counts(),
        items=len(plan.selection.items),
        rejected=len(plan.selection.rejected),
        duplicates=plan.selection.duplicates,
        partition=plan.request.partition,
        children=plan.children(),
    )
    # Written last: a plan.json that exists is a plan that is whole.
    store.write(layout.plan, json.dumps(_as_json(stored), indent=1).encode())
    return stored


def forget_plan(layout: RunLayout, stores: Stores) -> None:
    """Remove the plan of an earlier try, whole or not: its jobs may be others than those of the next one."""
    store = stores.for_uri(layout.uri)
    there = [uri for found in store.list_uris(f"{layout.uri}/") for uri in found]
    planned = [uri for uri in there if uri == layout.job(uri.split("/")[-2]).planned]
    own = [layout.plan, layout.request, layout.rejected, layout.cells]
    # The plan.json first: one that exists is a plan that is whole.
    for uri in (*(uri for uri in own if uri in there), *planned):
        store.delete(uri)


def open_plan(uri: str, stores: Stores) -> StoredPlan:
    """Read the plan at ``uri`` (its ``plan.json`` or its run folder)."""
    layout = RunLayout(uri.removesuffix("/plan.json").rstrip("/"))
    try:
        data = json.loads(stores.for_uri(layout.plan).read(layout.plan))
    except ObjectNotFound:
        raise PlanError(f"no plan at {layout.plan}; run the plan task first") from None
    if data.get("version") != VERSION:
        raise PlanError(f"plan {layout.plan} has version {data.get('version')!r}, not {VERSION}; plan again")
    query = data["query"]
    return StoredPlan(
        run_id=data["run_id"],
        layout=layout,
        graph=load_graph(data["graph"]),
        query=PlanQuery(
            targets=tuple(query["targets"]),
            mode=Mode(query["mode"]),
            force=frozenset(query["force"]),
            force_all=query["force_all"],
            ping=query["ping"],
        ),
        dry_run=data["dry_run"],
        planned_at=datetime.fromisoformat(data["planned_at"]),
        counts=data["counts"],
        items=data["items"],
        rejected=data["rejected"],
        duplicates=data["duplicates"],
        partition=data.get("partition"),
        children=data.get("children", {}),
    )


def _as_json(plan: StoredPlan) -> dict[str, Any]:
    return {
        "version": VERSION,
        "run_id": plan.run_id,
        "query": {
            "targets": list(plan.query.targets),
            "mode": str(plan.query.mode),
            "force": sorted(plan.query.force),
            "force_all": plan.query.force_all,
            "ping": plan.query.ping,
        },
        "dry_run": plan.dry_run,
        "planned_at": plan.planned_at.isoformat(),
        "counts": plan.counts,
        "items": plan.items,
        "rejected": plan.rejected,
        "duplicates": plan.duplicates,
        "partition": plan.partition,
        "children": plan.children,
        "graph": dump_graph(plan.graph),
    }
