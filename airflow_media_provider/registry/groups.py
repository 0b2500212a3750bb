"""Groups of jobs that are done together: what they may be, and the order in which they are done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_media_provider.registry.model import JobGraph


@dataclass(frozen=True, slots=True, kw_only=True)
class JobGroup:
    """Some jobs of a registry under one name.

    :param jobs: their names.
    :param fuse: do them in one Beam job that fetches and decodes each item once.
    """

    name: str
    jobs: tuple[str, ...]
    fuse: bool = False


def group_faults(
    groups: Mapping[str, JobGroup], needs: Mapping[str, Sequence[str]], runs_on: Callable[[str], object]
) -> Iterator[tuple[str, str]]:
    """Yield a message and the group's name per fault.

    :param needs: job -> what it needs.
    :param runs_on: job -> runner and options.
    """
    taken: dict[str, str] = {}
    for group in groups.values():
        known = [name for name in group.jobs if name in needs]
        for name in group.jobs:
            if name not in needs:
                yield f"group {group.name!r}: no job {name!r} in the registry", group.name
            elif taken.setdefault(name, group.name) != group.name:
                yield f"job {name!r} is in the groups {taken[name]!r} and {group.name!r}", group.name
        if group.fuse and len(known) == len(group.jobs):
            yield from (
                (f"group {group.name!r}: {fault}", group.name) for fault in _fused(known, needs, runs_on)
            )
    yield from _crossed(groups, needs)


def _crossed(groups: Mapping[str, JobGroup], needs: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Tell of groups that each need something of another first."""
    unit = {job: group.name for group in groups.values() if group.fuse for job in group.jobs}
    before: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for job, parents in needs.items():
        own = ("group", unit[job]) if job in unit else ("job", job)
        theirs = {("group", unit[name]) if name in unit else ("job", name) for name in parents}
        before.setdefault(own, set()).update(theirs - {own})
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        names = [name for kind, name in error.args[1] if kind == "group"]
        if len(set(names)) > 1:
            crossed = ", ".join(sorted(set(names)))
            yield f"the groups {crossed} each need a job of another first; fuse fewer jobs", names[0]


def _fused(
    jobs: Sequence[str], needs: Mapping[str, Sequence[str]], runs_on: Callable[[str], object]
) -> Iterator[str]:
    places = {job: runs_on(job) for job in jobs}
    odd = next((job for job in jobs if places[job] != places[jobs[0]]), None)
    if odd is not None:
        yield (
            f"{jobs[0]!r} and {odd!r} have different runners or options, so no Beam job can do both; "
            "give them the same runner"
        )
    between = sorted(_above(jobs, needs) & _below(jobs, needs) - set(jobs))
    if between:
        yield (
            f"job {between[0]!r} needs one of its jobs and is needed by another; put it into the group too"
        )


def _above(jobs: Iterable[str], needs: Mapping[str, Sequence[str]]) -> set[str]:
    return _reached(jobs, lambda name: needs.get(name, ()))


def _below(jobs: Iterable[str], needs: Mapping[str, Sequence[str]]) -> set[str]:
    return _reached(jobs, lambda name: [child for child, parents in needs.items() if name in parents])


def _reached(jobs: Iterable[str], follow: Callable[[str], Iterable[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(jobs)
    while todo:
        for name in follow(todo.pop()):
            if name not in seen:
                seen.add(name)
                todo.append(name)
    return seen


def fused_with(graph: JobGraph, job: str, jobs: Iterable[str]) -> tuple[str, ...]:
    """Return those of ``jobs`` that are done together with ``job``, itself among them, parents first."""
    group = next((group for group in graph.groups.values() if group.fuse and job in group.jobs), None)
    return graph.sort(set(jobs).intersection(group.jobs)) if group else (job,)


def units(graph: JobGraph, jobs: Iterable[str]) -> list[tuple[str, ...]]:
    """Return ``jobs`` as they are done: alone or as a fused group, what a unit needs before it."""
    names = graph.sort(jobs)
    unit_of = {name: fused_with(graph, name, names) for name in names}
    left = list(dict.fromkeys(unit_of.values()))
    done: set[str] = set()
    ordered = []
    while left:
        ready = next(
            unit
            for unit in left
            if all(
                parent in done or parent in unit or parent not in unit_of
                for name in unit
                for parent in graph.jobs[name].parents
            )
        )
        left.remove(ready)
        done.update(ready)
        ordered.append(ready)
    return ordered
