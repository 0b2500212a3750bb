"""All that a run says of its items, read from its folder and from the artifacts themselves."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from airflow_media_provider.catalog.reference import source_address
from airflow_media_provider.errors import ObjectNotFound
from airflow_media_provider.planning import Action, JobCells, Reason
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.cells_file import read_job_cells
from airflow_media_provider.runs.layout import RunLayout
from airflow_media_provider.runs.outcome import stored_outcome
from airflow_media_provider.runs.rows import report_rows
from airflow_media_provider.runs.stored import StoredPlan, open_plan
from airflow_media_provider.storage import Stores
from beam_jobs.contract.report import ReportRow, Status

BINS = 800
"""Columns of a waveform."""

FINE = (Status.DONE, Status.PRESENT, Status.PINGED)


@dataclass(slots=True, kw_only=True)
class ItemFacts:
    """One item.

    :param results: step -> the artifact's JSON document.
    :param envelope: BINS x 2, lowest and highest sample of each column, of the downsampled audio.
    :param plot: PNG.
    :param song: the source file.
    :param rows: of the runs, parents first.
    """

    item: str
    results: dict[str, Any] = field(default_factory=dict)
    envelope: npt.NDArray[np.float32] | None = None
    plot: bytes | None = None
    song: bytes | None = None
    rows: list[ReportRow] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Playing time."""
        known = [float(result.get("duration_s", 0)) for result in self.results.values()]
        return max(known, default=0.0)


@dataclass(slots=True, kw_only=True)
class JobFacts:
    """One job of the run: counts, and seconds of CPU and of the clock per stage, summed over items."""

    name: str
    team: str
    where: str
    counts: dict[str, int]
    clock: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class RunFacts:
    """One run.

    :param items: ids, sorted.
    :param rows: of all jobs, parents first.
    :param losses: rows that are not fine, and what the plan blocked before any job.
    :param rejected: lines of the selection that are no items: ``value``, ``where``, ``why``.
    """

    plan: StoredPlan
    jobs: list[JobFacts]
    items: list[str]
    rows: list[ReportRow]
    losses: list[ReportRow]
    rejected: list[dict[str, str]]


def gather(uri: str, stores: Stores) -> RunFacts:
    """Read a run's folder."""
    plan = open_plan(uri, stores)
    facts = RunFacts(plan=plan, jobs=[], items=[], rows=[], losses=[], rejected=_rejected(plan, stores))
    for name in plan.jobs:
        cells = read_job_cells(stores.for_uri(plan.layout.cells), plan.layout.cells, name)
        facts.items = cells.items.to_pylist()
        rows = list(report_rows(plan.layout.job(name), stores))
        facts.rows += rows
        facts.losses += _losses(cells, rows)
        facts.jobs.append(_job(plan, name, rows, stores))
    return facts


def gather_items(runs: Sequence[RunFacts], stores: Stores) -> list[ItemFacts]:
    """Read what is known of every item of some runs.

    :param runs: newest first; each item's artifacts are those of the first one that has it.
    """
    items: dict[str, ItemFacts] = {}
    for run in runs:
        for item in run.items:
            if item not in items:
                items[item] = ItemFacts(item=item)
                _read_artifacts(run.plan, items[item], stores)
        for row in run.rows:
            items[row.item].rows.append(row)
    return list(items.values())


def earlier_work(latest: str, stores: Stores, *, limit: int) -> list[str]:
    """Return the runs beside ``latest`` in which a worker was started, newest first."""
    found = []
    store = stores.for_uri(latest)
    for folder in store.list_folders(latest.rpartition("/")[0] + "/"):
        uri = folder.rstrip("/")
        if uri == latest or not store.exists(RunLayout(uri).plan):
            continue
        plan = open_plan(uri, stores)
        outcomes = [stored_outcome(plan, job, stores) for job in plan.jobs]
        if any(outcome and outcome.attempted for outcome in outcomes):
            found.append((plan.planned_at, uri))
    return [uri for _, uri in sorted(found, reverse=True)[:limit]]


def _losses(cells: JobCells, rows: Sequence[ReportRow]) -> list[ReportRow]:
    losses = [row for row in rows if row.status not in FINE]
    known = {row.item for row in losses}
    for reason in (Reason.SOURCE_MISSING, Reason.PARENT_FAILED):
        for item in cells.take(cells.mask(Action.BLOCKED, reason)).items.to_pylist():
            if item not in known:
                row = ReportRow(
                    item=item, job=cells.job, status=Status.BLOCKED, stage="plan", message=str(reason)
                )
                losses.append(row)
    return losses


def _rejected(plan: StoredPlan, stores: Stores) -> list[dict[str, str]]:
    text = (_read(plan.layout.rejected, stores) or b"").decode()
    return [json.loads(line) for line in text.splitlines()]


def _job(plan: StoredPlan, name: str, rows: Iterable[ReportRow], stores: Stores) -> JobFacts:
    outcome = stored_outcome(plan, name, stores)
    facts = JobFacts(
        name=name,
        team=plan.graph.jobs[name].team or "",
        where=recipe(plan.graph, name).address.template,
        counts=outcome.counts if outcome else {},
        clock=defaultdict(float),
        cpu=defaultdict(float),
    )
    for row in rows:
        for stage, seconds in row.seconds.items():
            facts.clock[stage] += seconds
        for stage, seconds in row.cpu_seconds.items():
            facts.cpu[stage] += seconds
    return facts


def _read_artifacts(plan: StoredPlan, facts: ItemFacts, stores: Stores) -> None:
    facts.song = _read(source_address(plan.graph).of(facts.item), stores)
    for name in plan.jobs:
        made = recipe(plan.graph, name)
        data = _read(made.address.of(facts.item), stores)
        if data is None:
            continue
        if made.suffix == ".json":
            facts.results[made.step.name] = json.loads(data)
        elif made.step.name == "downsample":
            facts.envelope = envelope(data)
        elif made.step.name == "plots":
            facts.plot = data


def _read(uri: str, stores: Stores) -> bytes | None:
    try:
        return stores.for_uri(uri).read(uri)
    except ObjectNotFound:
        return None


def envelope(audio: bytes) -> npt.NDArray[np.float32]:
    """Return the lowest and highest sample of each of BINS columns, shape (BINS, 2)."""
    import soundfile

    samples, _ = soundfile.read(io.BytesIO(audio), dtype="float32", always_2d=True)
    edges = np.linspace(0, len(samples), BINS + 1).astype(int)[:-1]
    edges = np.minimum(edges, len(samples) - 1)
    low = np.minimum.reduceat(samples[:, 0], edges)
    high = np.maximum.reduceat(samples[:, 0], edges)
    return np.stack([low, high], axis=1)
