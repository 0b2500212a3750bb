"""Run a plan in this process's machine, without a scheduler: what ``airflow media run`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from airflow_media_provider.errors import LaunchError
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runners.launch import launch
from airflow_media_provider.runs.look import JobManifest, look_again, planned_manifest
from airflow_media_provider.runs.outcome import Outcome, read_outcome
from airflow_media_provider.runs.plan import make_plan
from airflow_media_provider.runs.request import PlanRequest
from airflow_media_provider.runs.spec import write_spec
from airflow_media_provider.runs.stored import StoredPlan, save_plan
from airflow_media_provider.storage import Stores

OnEvent = Callable[[dict[str, Any]], None]
OnLine = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What became of a run.

    :param outcomes: per job, parents first.
    :param report: the run's folder.
    """

    plan: StoredPlan
    outcomes: tuple[Outcome, ...]
    report: str

    @property
    def all_done(self) -> bool:
        """Tell whether no item failed and none was blocked."""
        return not any(outcome.counts["failed"] or outcome.counts["blocked"] for outcome in self.outcomes)


def plan_and_save(
    graph: JobGraph, request: PlanRequest, *, stores: Stores, run_id: str, now: datetime | None = None
) -> StoredPlan:
    """Plan ``request`` and write the plan into its run folder."""
    # Before the listing: what a racing run makes while this one lists is younger than the plan.
    planned_at = now or datetime.now(UTC)
    return save_plan(make_plan(graph, request, stores), run_id=run_id, planned_at=planned_at, stores=stores)


def run_here(
    plan: StoredPlan, *, stores: Stores, python: str, on_event: OnEvent, on_line: OnLine
) -> RunResult:
    """Run every job of ``plan``, parents first, and judge each.

    Neighbouring jobs of the direct runner share one worker process, which saves its start-up; a job on
    a remote runner is launched alone after a second look.

    :param python: interpreter that has the worker's packages.
    :raises LaunchError: when a worker could not run, or left no report.
    """
    outcomes: list[Outcome] = []
    for direct, names in groupby(plan.jobs, lambda job: plan.graph.jobs[job].runner.name == "direct"):
        for batch in _batches(plan, list(names), together=direct):
            manifests = [_manifest(plan, job, stores, batch=batch if direct else None) for job in batch]
            _launch(plan, manifests, stores, python, on_event, on_line)
            outcomes.extend(read_outcome(plan, manifest, stores) for manifest in manifests)
    return RunResult(plan=plan, outcomes=tuple(outcomes), report=plan.layout.uri)


def _batches(plan: StoredPlan, jobs: list[str], *, together: bool) -> Iterator[list[str]]:
    """Yield jobs that a worker does together: those over children after the job that makes the children."""
    batch: list[str] = []
    for job in jobs:
        if batch and (not together or recipe(plan.graph, job).level in batch):
            yield batch
            batch = []
        batch.append(job)
    if batch:
        yield batch


def _manifest(plan: StoredPlan, job: str, stores: Stores, *, batch: list[str] | None) -> JobManifest:
    """Return what a job has to do.

    :param batch: jobs that the same worker does; None = it is done alone, after a second look.
    """
    if batch is None:
        return look_again(plan, job, stores)
    if recipe(plan.graph, job).level is None:
        return planned_manifest(plan, job)
    return look_again(plan, job, stores, coming=frozenset(batch))  # a plan does not know children


def _launch(
    plan: StoredPlan,
    manifests: list[JobManifest],
    stores: Stores,
    python: str,
    on_event: OnEvent,
    on_line: OnLine,
) -> None:
    specs = [write_spec(plan, manifest, stores) for manifest in manifests if manifest.run]
    if not specs:
        return
    result = launch(specs, python=python, on_event=on_event, on_line=on_line)
    if result.exit_code != 0:
        jobs = ", ".join(manifest.job for manifest in manifests)
        raise LaunchError(f"the worker of {jobs} ended with code {result.exit_code}: {result.last_line}")
