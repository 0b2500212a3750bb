"""Make a plan: read the selection, list what exists, walk the graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airflow_media_provider.catalog.selection import Selection, read_selection
from airflow_media_provider.errors import EmptySelection
from airflow_media_provider.planning import (
    Cell,
    CellTable,
    PlanQuery,
    item_force,
    item_ping,
    plan_cells,
    reached_jobs,
)
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.runs.inventory import Inventory, take_inventory
from airflow_media_provider.runs.leave_out import read_left_out
from airflow_media_provider.runs.partition import empty, narrow, resolve
from airflow_media_provider.runs.request import PlanRequest
from airflow_media_provider.storage import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What must run and why, in memory.

    :param cells: one code per (item, job) for every job that the mode reaches.
    """

    graph: JobGraph
    request: PlanRequest
    query: PlanQuery
    selection: Selection
    inventory: Inventory
    cells: CellTable

    @property
    def jobs(self) -> tuple[str, ...]:
        """The jobs that the mode reaches, parents first."""
        return self.cells.jobs

    def counts(self) -> dict[str, dict[str, int]]:
        """Count cells per job as ``run``, ``present`` and ``blocked``; rejected ids are blocked."""
        counts = self.cells.counts()
        for job_counts in counts.values():
            job_counts["blocked"] += len(self.selection.rejected)
        return counts

    def rows(self) -> Iterator[Cell]:
        """Yield every cell, rejected ids first."""
        for rejected in self.selection.rejected:
            for job in self.jobs:
                yield Cell(item=rejected.value, job=job, action="blocked", reason="excluded")
        yield from self.cells.rows(self.selection.items)


def select_items(graph: JobGraph, request: PlanRequest, stores: Stores) -> Selection:
    """Read the items of ``request``; raises SelectionError when there are none, or they cannot be read."""
    whole = resolve(graph, request, stores)
    narrows = request.partition is not None and graph.partitions is not None and graph.partitions.narrows
    try:
        selection = read_selection(
            graph,
            items=whole.items,
            items_uri=whole.items_uri,
            prefix=whole.prefix,
            stores=stores,
            limit=None if narrows else request.limit,
        )
    except EmptySelection as error:
        return empty(error, request)
    if request.partition is None or graph.partitions is None or not narrows:
        return selection
    return narrow(selection, graph.partitions, request.partition, limit=request.limit)


def make_plan(graph: JobGraph, request: PlanRequest, stores: Stores) -> Plan:
    """Plan ``request``; nothing is written.

    :raises SelectionError: when the selection cannot be read or is empty.
    :raises PlanError: for a job that is not there, or a force off the line.
    :raises RegistryError: when a reached job's step or params are wrong.
    """
    query = request.query(graph)
    jobs = reached_jobs(graph, query)
    selection = select_items(graph, request, stores)
    parents = {parent for job in jobs for parent in graph.jobs[job].parents}
    inventory = take_inventory(graph, graph.sort({*jobs, *parents}), selection.items, stores)
    cells = plan_cells(
        graph,
        query,
        source=inventory.source,
        present=inventory.present,
        stale=inventory.stale,
        barred=read_left_out(request.leave_out, jobs, selection.items, stores),
        item_force=item_force(graph, query, selection.items, selection.overrides),
        item_ping=item_ping(graph, query, selection.items, selection.overrides),
    )
    return Plan(
        graph=graph, request=request, query=query, selection=selection, inventory=inventory, cells=cells
    )
