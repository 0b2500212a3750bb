"""All that a run says of its items, read from its folder and from the artifacts themselves."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from airflow_media_provider.catalog.reference import source_address
from airflow_media_provider.errors import ObjectNotFound
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.outcome import stored_outcome
from airflow_media_provider.runs.rows import report_rows
from airflow_media_provider.runs.stored import StoredPlan, open_plan
from airflow_media_provider.storage import Stores
from beam_jobs.contract.report import ReportRow, Status

BINS = 800
"""Columns of a waveform."""

FINE = (Status.DONE, Status.PRESENT)


@dataclass(slots=True, kw_only=True)
class ItemFacts:
    """One item.

    :param results: step -> the artifact's JSON document.
    :param envelope: BINS x 2, lowest and highest sample of each column, of the downsampled audio.
    :param plot: PNG.
    :param song: the source file.
    :param rows: of this run, in the order of the jobs.
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
    """One run."""

    plan: StoredPlan
    jobs: list[JobFacts]
    items: list[ItemFacts]
    losses: list[ReportRow]


def gather(uri: str, stores: Stores) -> RunFacts:
    """Read a run's folder and the artifacts of its items."""
    plan = open_plan(uri, stores)
    items: dict[str, ItemFacts] = {}
    jobs, losses = [], []
    for item in _items(plan, stores):
        items[item] = ItemFacts(item=item)
    for name in plan.jobs:
        rows = list(report_rows(plan.layout.job(name), stores))
        losses += [row for row in rows if row.status not in FINE]
        for row in rows:
            if row.item in items:
                items[row.item].rows.append(row)
        jobs.append(_job(plan, name, rows, stores))
    for facts in items.values():
        _read_artifacts(plan, facts, stores)
    return RunFacts(plan=plan, jobs=jobs, items=list(items.values()), losses=losses)


def _items(plan: StoredPlan, stores: Stores) -> list[str]:
    import pyarrow.parquet as pq

    with stores.for_uri(plan.layout.cells).open(plan.layout.cells) as file:
        return [str(item) for item in pq.read_table(file, columns=["item"]).column("item").to_pylist()]


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
