"""What exists now: coverage of a selection, and all that is known of one item."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow_media_provider.catalog.reference import source_address
from airflow_media_provider.catalog.selection import read_selection
from airflow_media_provider.errors import SelectionError
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.cells_file import read_item
from airflow_media_provider.runs.children import root_of
from airflow_media_provider.runs.inventory import listed_stores, take_inventory
from airflow_media_provider.runs.layout import RUNS_FOLDER, RunLayout
from airflow_media_provider.runs.plan import make_plan, select_items
from airflow_media_provider.runs.request import PlanRequest
from airflow_media_provider.runs.rows import report_rows
from airflow_media_provider.runs.stream_rows import stream_rows
from airflow_media_provider.storage import Stores
from beam_jobs.contract.item import check_item_id
from beam_jobs.contract.report import ReportRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of a selection one job has made.

    :param stale: absent, but made once with another fingerprint.
    """

    job: str
    items: int
    present: int
    stale: int

    @property
    def missing(self) -> int:
        """Items with no artifact of any fingerprint."""
        return self.items - self.present - self.stale

    @property
    def ratio(self) -> float:
        """Share of the items whose current artifact is there."""
        return self.present / self.items if self.items else 0.0


def coverage(graph: JobGraph, request: PlanRequest, stores: Stores) -> tuple[int, list[Coverage]]:
    """Count a selection's artifacts per job.

    :return: how many items have no source file, and the coverage of each job (of ``request.targets``,
        or all).
    """
    listed = listed_stores(graph, request.inventory_uri, stores)
    selection = select_items(graph, request, stores, listed=listed)
    jobs = graph.sort(graph.job(name).name for name in request.targets) or graph.order
    inventory = take_inventory(graph, jobs, selection.items, listed, source=True)
    items = len(selection.items)
    rows = []
    for job in jobs:
        present = inventory.present[job]
        stale = inventory.stale.get(job)
        old = int((stale & ~present).sum()) if stale is not None else 0
        rows.append(Coverage(job=job, items=items, present=int(present.sum()), stale=old))
    return items - int(inventory.source.sum()), rows


def job_coverage(graph: JobGraph, request: PlanRequest, stores: Stores) -> dict[str, Any]:
    """Return ``items``, ``present`` and ``coverage`` of the one job that ``request`` targets."""
    _, (row,) = coverage(graph, request, stores)
    return {"items": row.items, "present": row.present, "coverage": row.ratio}


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemInJob:
    """What is known of one item in one job.

    :param uri: its artifact; of a job over children the folder of theirs.
    :param exists: the artifact is there, or every child's is.
    :param action: what a bottom-up plan for this job alone would do now.
    :param reports: run id, or a stream's name, and row; newest run first. A stream has but its newest row.
    """

    job: str
    uri: str
    fingerprint: str
    exists: bool
    action: str
    reason: str
    reports: tuple[tuple[str, ReportRow], ...]


def item_of(graph: JobGraph, text: str, stores: Stores) -> str:
    """Return the item that ``text`` names by id or source URI; raises SelectionError when it names none."""
    selection = read_selection(graph, items=(text,), stores=stores)
    if selection.rejected:
        raise SelectionError(f"item {text!r} {selection.rejected[0].why}")
    return str(selection.items[0].as_py())


def why(graph: JobGraph, item: str, stores: Stores, *, runs: int = 20) -> list[ItemInJob]:
    """Return what is known of ``item`` in every job.

    Of an item's child, what is known of it in the jobs over children, and else of its item.

    :param runs: how many of the newest runs to search for report rows.
    """
    root = _root(graph, check_item_id(item), stores)
    reports = _reports_of(item, root, graph, stores, runs)
    known = []
    for job in graph.order:
        made = recipe(graph, job)
        plan = make_plan(graph, PlanRequest(items=(root,), targets=(job,)), stores)
        cell = next(cell for cell in plan.rows() if cell.job == job)
        exists = bool(plan.inventory.present[job].any())
        uri = made.address.of(root)
        if made.level is not None and item != root:
            uri = made.address.of(item)
            exists = stores.for_uri(uri).exists(uri)
        elif made.level is not None:
            uri = f"{made.address.prefix}{root}/"  # the folder of the children's artifacts
        known.append(
            ItemInJob(
                job=job,
                uri=uri,
                fingerprint=made.fingerprint,
                exists=exists,
                action=cell.action,
                reason=cell.reason,
                reports=tuple(reports[job]),
            )
        )
    return known


def _reports_of(
    item: str, root: str, graph: JobGraph, stores: Stores, runs: int
) -> dict[str, list[tuple[str, ReportRow]]]:
    """Return job -> run and row, the newest run first: by when it was planned, a stream's by its report."""
    found = [(one.written, one.stream, one.row) for one in stream_rows(graph, root, stores)]
    for planned, run in _newest_runs(graph, stores, runs):
        for row in _rows_of(run, root, graph, stores):
            if item == root or row.item in (item, root):
                found.append((planned, run.uri.rpartition("/")[2], row))
    reports: dict[str, list[tuple[str, ReportRow]]] = {job: [] for job in graph.order}
    for _, name, row in sorted(found, key=lambda one: one[0], reverse=True):
        reports[row.job].append((name, row))
    return reports


def _root(graph: JobGraph, item: str, stores: Stores) -> str:
    """Return the item that a child was made of; one of the catalog may be named as a child is."""
    if root_of(item) == item:
        return item
    source = source_address(graph).of(item)
    return item if stores.for_uri(source).exists(source) else root_of(item)


def _newest_runs(graph: JobGraph, stores: Stores, most: int) -> list[tuple[float, RunLayout]]:
    prefix = f"{graph.root.rstrip('/')}/{RUNS_FOLDER}/"
    found = [
        (info.updated, info.uri.removesuffix("/plan.json"))
        for batch in stores.for_uri(prefix).list_objects(prefix)
        for info in batch
        if info.uri.endswith("/plan.json")
    ]
    return [(updated, RunLayout(uri)) for updated, uri in sorted(found, reverse=True)[:most]]


def _rows_of(run: RunLayout, item: str, graph: JobGraph, stores: Stores) -> Iterator[ReportRow]:
    """Yield the report rows of ``item`` and its children in one run; the cells say in which jobs it was."""
    cells = read_item(stores.for_uri(run.uri), run.cells, item)
    needle = json.dumps(item, ensure_ascii=False)[:-1]  # a child's id goes on
    for cell in cells:
        if cell.action != "run" or cell.job not in graph.jobs:
            continue
        over_children = recipe(graph, cell.job).level is not None
        for row in report_rows(run.job(cell.job), stores, containing=needle):
            if row.item == item or (over_children and root_of(row.item) == item):
                yield row
