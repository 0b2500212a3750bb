"""Run a plan in this process's machine, without a scheduler: what ``airflow media run`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from airflow_media_provider.errors import LaunchError
from airflow_media_provider.registry.groups import units
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runners.launch import launch
from airflow_media_provider.runs.fuse import look_at_group, write_group
from airflow_media_provider.runs.look import JobManifest, look_again, planned_manifest
from airflow_media_provider.runs.outcome import Outcome, read_outcome
from airflow_media_provider.runs.plan import make_plan
from airflow_media_provider.runs.request import PlanRequest
from airflow_media_provider.runs.stored import StoredPlan, save_plan
from airflow_media_provider.storage import Stores

Unit = tuple[str, ...]
"""A job, or jobs that are done together."""

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

    Neighbouring jobs of the direct runner share one worker process, which saves its start-up; a job, or a
    fused group, on a remote runner is launched alone after a second look.

    :param python: interpreter that has the worker's packages.
    :raises LaunchError: when a worker could not run, or left no report.
    """
    outcomes: list[Outcome] = []
    for direct, todo in groupby(units(plan.graph, plan.jobs), lambda unit: _is_direct(plan, unit)):
        for batch in _batches(plan, list(todo), together=direct):
            jobs = frozenset(job for unit in batch for job in unit)
            work = [_manifests(plan, unit, stores, batch=jobs if direct else None) for unit in batch]
            _launch(plan, work, stores, python, on_event, on_line)
            for manifests in work:
                outcomes.extend(read_outcome(plan, manifest, stores) for manifest in manifests)
    return RunResult(plan=plan, outcomes=tuple(outcomes), report=plan.layout.uri)


def _is_direct(plan: StoredPlan, unit: Unit) -> bool:
    return plan.graph.jobs[unit[0]].runner.name == "direct"


def _batches(plan: StoredPlan, todo: list[Unit], *, together: bool) -> Iterator[list[Unit]]:
    """Yield what a worker does together: jobs over children after the job that makes the children."""
    batch: list[Unit] = []
    for unit in todo:
        levels = {recipe(plan.graph, job).level for job in unit}
        if batch and (not together or levels & {job for earlier in batch for job in earlier}):
            yield batch
            batch = []
        batch.append(unit)
    if batch:
        yield batch


def _manifests(
    plan: StoredPlan, unit: Unit, stores: Stores, *, batch: frozenset[str] | None
) -> list[JobManifest]:
    """Return what the jobs of a unit have to do.

    :param batch: jobs that the same worker does; None = the unit is done alone, after a second look.
    """
    if batch is None:
        return look_at_group(plan, unit, stores)
    manifests = []
    for job in unit:
        if recipe(plan.graph, job).level is None:
            manifests.append(planned_manifest(plan, job))
        else:  # a plan does not know children
            manifests.append(look_again(plan, job, stores, coming=batch))
    return manifests


def _launch(
    plan: StoredPlan,
    work: list[list[JobManifest]],
    stores: Stores,
    python: str,
    on_event: OnEvent,
    on_line: OnLine,
) -> None:
    busy = [[manifest for manifest in manifests if manifest.run] for manifests in work]
    specs = [write_group(plan, some, stores, leader=some[0].job) for some in busy if some]
    if not specs:
        return
    result = launch(specs, python=python, on_event=on_event, on_line=on_line)
    if result.exit_code != 0:
        jobs = ", ".join(manifest.job for manifests in work for manifest in manifests)
        raise LaunchError(f"the worker of {jobs} ended with code {result.exit_code}: {result.last_line}")
