"""The planner's question: which jobs, how far, and what to do again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from airflow_media_provider.errors import PlanError
from airflow_media_provider.registry.model import JobGraph


class Mode(StrEnum):
    """How far a request reaches from its targets."""

    BOTTOM_UP = "bottom-up"
    """The targets, and of their ancestors only what is missing; never a sibling."""

    TOP_DOWN = "top-down"
    """The targets and every job that depends on them; what they read must be there."""

    ONLY = "only"
    """The targets alone; what they read must be there, or be made by another target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanQuery:
    """One request, the same for all items; single items can deviate from force and ping.

    :param targets: the jobs that are asked for.
    :param force: jobs to do again although present, with what depends on them.
    :param force_all: do every reached job again.
    :param ping: trace what would run, do no work.
    """

    targets: tuple[str, ...]
    mode: Mode
    force: frozenset[str] = frozenset()
    force_all: bool = False
    ping: bool = False


def reached_jobs(graph: JobGraph, query: PlanQuery) -> tuple[str, ...]:
    """Return the jobs that ``query`` may run, parents before children.

    :raises PlanError: for an unknown job, no target, or a force off the line.
    """
    if not query.targets:
        raise PlanError(f"no target job; name at least one of: {', '.join(graph.jobs)}")
    targets = [graph.job(name).name for name in query.targets]
    if query.mode == Mode.BOTTOM_UP:
        jobs = graph.sort(graph.ancestors(targets))
    elif query.mode == Mode.TOP_DOWN:
        jobs = graph.sort(graph.descendants(targets))
    else:
        jobs = graph.sort(targets)
    check_forced(graph, query, jobs, query.force)
    return jobs


def goal_jobs(graph: JobGraph, query: PlanQuery) -> frozenset[str]:
    """Return the jobs that are wanted for their own sake, not only because another job needs them."""
    if query.mode == Mode.BOTTOM_UP:
        return frozenset(query.targets)
    return frozenset(reached_jobs(graph, query))


def standing_force(graph: JobGraph, query: PlanQuery, jobs: tuple[str, ...]) -> frozenset[str]:
    """Return the jobs that are done again for every item that does not say otherwise."""
    if query.force_all:
        return frozenset(jobs)
    return query.force | {name for name in jobs if graph.jobs[name].force}


def with_dependents(graph: JobGraph, jobs: tuple[str, ...], forced: Iterable[str]) -> frozenset[str]:
    """Return ``forced`` and the jobs among ``jobs`` that depend on them."""
    return graph.descendants(forced) & frozenset(jobs)


def check_forced(
    graph: JobGraph, query: PlanQuery, jobs: tuple[str, ...], names: Iterable[str], *, whose: str = ""
) -> None:
    """Raise PlanError when one of ``names`` is not a job that the query reaches.

    :param whose: put before the message, e.g. the item that asks for the force.
    """
    for name in sorted(names):
        if name not in graph.jobs or name not in jobs:
            try:
                graph.job(name)
            except PlanError as error:
                raise PlanError(f"{whose}force: {error}") from None
            raise PlanError(
                f"{whose}cannot force {name!r}: mode {query.mode} for {', '.join(query.targets)} "
                f"does not reach it; reached: {', '.join(jobs)}"
            )
