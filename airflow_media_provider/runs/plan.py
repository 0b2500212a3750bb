"""Make a plan: read the selection, list what exists, walk the graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_media_provider.catalog.selection import Selection, read_selection
from airflow_media_provider.errors import EmptySelection
from airflow_media_provider.planning import (
    Action,
    Cell,
    CellTable,
    PlanQuery,
    Reason,
    item_force,
    item_ping,
    merge_tables,
    plan_cells,
    reached_jobs,
)
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.inventory import Inventory, listed_stores, take_inventory
from airflow_media_provider.runs.leave_out import read_left_out
from airflow_media_provider.runs.partition import empty, narrow, resolve
from airflow_media_provider.runs.request import PlanRequest
from airflow_media_provider.runs.wishes import Part, plan_parts
from airflow_media_provider.storage import Stores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]


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

    def children(self) -> dict[str, int]:
        """Count, per job over children, the children of the items that are present in it."""
        levels = {job: recipe(self.graph, job).level for job in self.jobs}
        return {
            job: int(self.inventory.children[level][self.cells.mask(job, Action.SKIP, Reason.PRESENT)].sum())
            for job, level in levels.items()
            if level is not None
        }

    def rows(self) -> Iterator[Cell]:
        """Yield every cell, rejected ids first."""
        for rejected in self.selection.rejected:
            for job in self.jobs:
                yield Cell(item=rejected.value, job=job, action="blocked", reason="rejected")
        yield from self.cells.rows(self.selection.items)


def select_items(
    graph: JobGraph, request: PlanRequest, stores: Stores, *, listed: Stores | None = None
) -> Selection:
    """Read the items of ``request``; raises SelectionError when there are none, or they cannot be read.

    :param listed: says which source files there are; None = ``stores``.
    """
    whole = resolve(graph, request, stores)
    narrows = request.partition is not None and graph.partitions is not None and graph.partitions.narrows
    try:
        selection = read_selection(
            graph,
            items=whole.items,
            items_uri=whole.items_uri,
            prefix=whole.prefix,
            items_query=whole.items_query,
            items_column=whole.items_column,
            items_filter=whole.items_filter,
            stores=stores if listed is None or whole.prefix is None else listed,
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
    reached_jobs(graph, query)  # a fault of the request is told before a long list is read
    listed = listed_stores(graph, request.inventory_uri, stores)
    selection = select_items(graph, request, stores, listed=listed)
    parts = plan_parts(graph, request, selection.items, selection.overrides)
    jobs = graph.sort({job for part in parts for job in reached_jobs(graph, part.query)})
    parents = {parent for job in jobs for parent in graph.jobs[job].parents}
    inventory = take_inventory(graph, graph.sort({*jobs, *parents}), selection.items, listed)
    barred = read_left_out(request.leave_out, jobs, selection.items, stores)
    tables = [_plan_part(graph, part, selection, inventory, barred) for part in parts]
    if parts[0].rows is None:
        cells = tables[0]
    else:
        rows = [part.rows for part in parts if part.rows is not None]
        cells = merge_tables(graph, len(selection.items), zip(rows, tables, strict=True))
    return Plan(
        graph=graph, request=request, query=query, selection=selection, inventory=inventory, cells=cells
    )


def _plan_part(
    graph: JobGraph, part: Part, selection: Selection, inventory: Inventory, barred: Mapping[str, BoolArray]
) -> CellTable:
    def of(arrays: Mapping[str, BoolArray]) -> Mapping[str, BoolArray]:
        return arrays if part.rows is None else {job: array[part.rows] for job, array in arrays.items()}

    items = selection.items if part.rows is None else selection.items.take(pa.array(part.rows))
    return plan_cells(
        graph,
        part.query,
        source=inventory.source if part.rows is None else inventory.source[part.rows],
        present=of(inventory.present),
        stale=of(inventory.stale),
        barred=of(barred),
        item_force=item_force(graph, part.query, items, selection.overrides),
        item_ping=item_ping(graph, part.query, items, selection.overrides),
        partly=frozenset(job for job in inventory.present if recipe(graph, job).level is not None),
    )
