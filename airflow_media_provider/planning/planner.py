"""From what exists to what must run: boolean algebra over all items, job by job.

Three passes over the reached jobs, each over every item at once:

1. parents first: which artifacts can be *had* - they are there, or their inputs can be had;
2. children first: which cells are *wanted* - goals, forced cells, and what a running child lacks;
3. parents first: which cells are only *traced*.

A cell that is wanted and cannot be had is blocked, and so is what it lacks and cannot be had either; but
it wants nothing of what could be had, so no ancestor runs for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from airflow_media_provider.planning.cells import CellTable
from airflow_media_provider.planning.codes import (
    CODE,
    NEEDED_BY_FIRST,
    BoolArray,
    CodeArray,
    CodeBook,
    Reason,
)
from airflow_media_provider.planning.overrides import ItemForce, ItemPing
from airflow_media_provider.planning.query import (
    PlanQuery,
    goal_jobs,
    reached_jobs,
    standing_force,
    with_dependents,
)
from airflow_media_provider.registry.model import SOURCE, JobGraph

BLOCK = 1 << 18
"""Items planned at a time: what is kept of each is its codes."""

_NONE: Mapping[str, BoolArray] = MappingProxyType({})


def plan_cells(
    graph: JobGraph,
    query: PlanQuery,
    *,
    source: BoolArray,
    present: Mapping[str, BoolArray],
    stale: Mapping[str, BoolArray] = _NONE,
    barred: Mapping[str, BoolArray] = _NONE,
    item_force: ItemForce | None = None,
    item_ping: ItemPing | None = None,
    partly: frozenset[str] = frozenset(),
) -> CellTable:
    """Say for every item and every reached job whether it must run, and why.

    :param source: per item, whether its source file is there.
    :param present: job -> per item, whether its artifact is there; for the reached jobs and their parents.
    :param stale: job -> per item, whether an artifact of another fingerprint is there.
    :param barred: job -> per item, whether it is not to be tried, as it failed before; only where any is.
    :param item_force: what single items force.
    :param item_ping: which single items are traced, or not.
    :param partly: jobs over children: where some of an item's artifacts are not there, others are, so a
        forced cell is called forced although it is missing.
    :raises PlanError: for an unknown job, no target, or a force off the line.
    """
    line = _Line.of(graph, query, partly)
    _check_lengths(line, source, present, stale)
    size = len(source)
    codes: dict[str, CodeArray] = {job: np.zeros(size, line.books[job].dtype) for job in line.jobs}
    for start in range(0, size, BLOCK):
        part = slice(start, start + BLOCK)
        block = _Block(
            line=line,
            source=source[part],
            present={job: there[part] for job, there in present.items()},
            stale={job: old[part] for job, old in stale.items()},
            barred={job: not_again[part] for job, not_again in barred.items()},
        )
        block.plan(start, item_force, item_ping)
        for job in line.jobs:
            codes[job][part] = block.codes[job]
    return CellTable(codes=codes, books=line.books)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """What is the same for all items.

    :param jobs: reached, parents first.
    :param goals: wanted for their own sake.
    :param forced: done again unless an item says otherwise.
    :param pinged: traced unless an item says otherwise.
    :param children: job -> its reached children, in graph order.
    :param partly: jobs that can have made some of an item's artifacts.
    """

    graph: JobGraph
    jobs: tuple[str, ...]
    goals: frozenset[str]
    forced: frozenset[str]
    pinged: frozenset[str]
    children: Mapping[str, tuple[str, ...]]
    books: Mapping[str, CodeBook]
    partly: frozenset[str]

    @classmethod
    def of(cls, graph: JobGraph, query: PlanQuery, partly: frozenset[str]) -> _Line:
        jobs = reached_jobs(graph, query)
        children = {job: tuple(c for c in graph.children[job] if c in jobs) for job in jobs}
        return cls(
            graph=graph,
            jobs=jobs,
            goals=goal_jobs(graph, query),
            forced=with_dependents(graph, jobs, standing_force(graph, query, jobs)),
            pinged=frozenset(job for job in jobs if query.ping or graph.jobs[job].ping),
            children=children,
            books={job: CodeBook.of(children[job]) for job in jobs},
            partly=partly,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """Some items on their way through the passes; every mapping is job -> one value per item."""

    line: _Line
    source: BoolArray
    present: Mapping[str, BoolArray]
    stale: Mapping[str, BoolArray]
    barred: Mapping[str, BoolArray] = field(default_factory=dict)
    can: dict[str, BoolArray] = field(default_factory=dict)
    no_source: dict[str, BoolArray] = field(default_factory=dict)
    run: dict[str, BoolArray] = field(default_factory=dict)
    blocked: dict[str, BoolArray] = field(default_factory=dict)
    codes: dict[str, CodeArray] = field(default_factory=dict)

    def plan(self, start: int, item_force: ItemForce | None, item_ping: ItemPing | None) -> None:
        for job in self.line.jobs:
            self._look_up(job)
        for job in reversed(self.line.jobs):
            forced = self._constant(job in self.line.forced)
            if item_force is not None:
                item_force.apply(job, forced, start)
            self._want(job, forced)
            self.codes[job] = self._code(job, forced)
        self._trace(start, item_ping)

    def _constant(self, value: bool) -> BoolArray:
        return np.full(len(self.source), value, dtype=np.bool_)

    def _look_up(self, job: str) -> None:
        """Tell which items' inputs can be had, and for which the source at the root of it is missing."""
        can, no_source = self._constant(True), self._constant(False)
        for need in self.line.graph.jobs[job].needs:
            if need == SOURCE:
                can &= self.source
                no_source |= ~self.source
            elif need in self.can:
                can &= self.present[need] | self.can[need]
                no_source |= ~self.present[need] & self.no_source[need]
            else:
                can &= self.present[need]
        if job in self.barred:
            can &= ~self.barred[job]
        self.can[job], self.no_source[job] = can, no_source

    def _want(self, job: str, forced: BoolArray) -> None:
        """Tell which cells run and which are blocked; the job's children are known already."""
        absent = ~self.present[job]
        wanted = forced | absent if job in self.line.goals else forced.copy()
        lacking = self._constant(False)
        for child in self.line.children[job]:
            wanted |= self.run[child] & absent
            lacking |= self.blocked[child] & absent
        self.run[job] = wanted & self.can[job]
        self.blocked[job] = (wanted | lacking) & ~self.can[job]

    def _code(self, job: str, forced: BoolArray) -> CodeArray:
        """Return the codes; where several reasons hold, what is written last wins."""
        present, run, blocked = self.present[job], self.run[job], self.blocked[job]
        codes: CodeArray = np.full(len(run), CODE[Reason.EXCLUDED], self.line.books[job].dtype)
        codes[run & forced] = CODE[Reason.FORCED]
        children = self.line.children[job]
        for index in reversed(range(len(children))):
            codes[run & self.run[children[index]] & ~present] = NEEDED_BY_FIRST + index
        if job in self.line.goals:
            codes[run & ~present] = CODE[Reason.MISSING]
            if job in self.stale:
                codes[run & ~present & self.stale[job]] = CODE[Reason.STALE]
        if job in self.line.partly:
            codes[run & forced] = CODE[Reason.FORCED]
        codes[present & ~run] = CODE[Reason.PRESENT]
        codes[blocked] = CODE[Reason.PARENT_FAILED]
        codes[blocked & self.no_source[job]] = CODE[Reason.SOURCE_MISSING]
        if job in self.barred:
            codes[blocked & self.barred[job]] = CODE[Reason.FAILED_BEFORE]
        return codes

    def _trace(self, start: int, item_ping: ItemPing | None) -> None:
        """Mark the running cells that are only traced.

        What reads an artifact that a traced cell does not make can only be traced itself.
        """
        pinged: dict[str, BoolArray] = {}
        for job in self.line.jobs:
            ping = self._constant(job in self.line.pinged)
            if item_ping is not None:
                item_ping.apply(ping, start)
            for parent in self.line.graph.jobs[job].parents:
                if parent in pinged:
                    ping |= pinged[parent] & ~self.present[parent]
            pinged[job] = ping & self.run[job]
            self.codes[job][pinged[job]] |= self.line.books[job].ping_bit


def _check_lengths(
    line: _Line, source: BoolArray, present: Mapping[str, BoolArray], stale: Mapping[str, BoolArray]
) -> None:
    parents = {parent for job in line.jobs for parent in line.graph.jobs[job].parents}
    unknown = [job for job in line.graph.sort({*line.jobs, *parents}) if job not in present]
    if unknown:
        raise ValueError(f"present: nothing known of {', '.join(unknown)}; take the inventory of parents too")
    for name, arrays in (("present", present), ("stale", stale)):
        for job, array in arrays.items():
            if len(array) != len(source):
                raise ValueError(f"{name}[{job!r}] has {len(array)} items, source has {len(source)}")
