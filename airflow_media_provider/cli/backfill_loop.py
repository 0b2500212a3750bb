"""Start a backfill's runs, some at a time, and follow them to their end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from airflow_media_provider.cli.backfill_progress import BackfillProgress
from airflow_media_provider.cli.backfill_runs import ENDED, DagRuns
from airflow_media_provider.runs.backfill import Backfill, Slice

EVERY = 1.0
"""Seconds between two looks at the runs."""

Work = Callable[[Slice], int]
"""How many items of a slice have something to run."""


@dataclass(slots=True, kw_only=True)
class Pace:
    """How much is started.

    :param max_active: runs at a time.
    :param budget: items that the runs started here may work on; None = any number.
    :param wait: follow the runs to their end; else start as many as may be active.
    """

    max_active: int
    budget: int | None = None
    wait: bool = True


@dataclass(slots=True, kw_only=True)
class Sorted:
    """A backfill's slices by what is to be done with them.

    :param states: key -> what is known so far; ``not started`` before there is a run.
    :param start: slices without a run.
    :param again: slices whose ended run is repeated.
    :param follow: slices whose run has not ended.
    """

    states: dict[str, str] = field(default_factory=dict)
    start: list[Slice] = field(default_factory=list)
    again: list[Slice] = field(default_factory=list)
    follow: list[Slice] = field(default_factory=list)


def sort_slices(
    slices: Iterable[Slice], states: dict[str, str], backfill: Backfill, *, repeat: Callable[[str, str], bool]
) -> Sorted:
    """Return what is to be done with each slice.

    :param states: run id -> state in Airflow.
    :param repeat: whether an ended run of this id and state is repeated.
    """
    found = Sorted()
    for part in slices:
        run_id = backfill.run_id(part.key)
        state = states.get(run_id)
        if state is None:
            found.start.append(part)
        elif state not in ENDED:
            found.follow.append(part)
        elif repeat(run_id, state):
            found.again.append(part)
        found.states[part.key] = state or "not started"
    return found


@dataclass(slots=True, kw_only=True)
class Loop:
    """One command's way through its slices.

    :param work: counts a slice's work, for the budget.
    :param begin: called before a slice is started, to write what its run reads.
    """

    backfill: Backfill
    runs: DagRuns
    slices: list[Slice]
    found: Sorted
    pace: Pace
    work: Work
    begin: Callable[[Slice], None]
    progress: BackfillProgress
    every: float = EVERY
    spent: int = 0
    active: dict[str, Slice] = field(default_factory=dict)

    def run(self) -> dict[str, str]:
        """Start and follow; return the state of every slice."""
        chosen = {part.key for part in (*self.found.start, *self.found.again)}
        todo = deque(part for part in self.slices if part.key in chosen)
        self.active = {self.backfill.run_id(part.key): part for part in self.found.follow}
        for part in self.found.follow:
            self.progress.slice_is(part, "running")
        while True:
            while todo and len(self.active) < self.pace.max_active:
                self.begin(todo[0])
                if not self._fits(todo[0]):
                    self.progress.budget_is_spent(self.spent, left=len(todo))
                    todo.clear()
                    break
                self._start(todo.popleft())
            if not self.active or not self.pace.wait:
                return self.found.states
            self._look()
            if self.active:
                time.sleep(self.every)

    def _fits(self, part: Slice) -> bool:
        if self.pace.budget is None:
            return True
        work = self.work(part)
        if self.spent + work > self.pace.budget:
            return False
        self.spent += work
        return True

    def _start(self, part: Slice) -> None:
        run_id = self.backfill.run_id(part.key)
        if part in self.found.again:
            self.runs.again(run_id)
        else:
            self.runs.start(run_id, self.backfill.conf(part), part.partition)
        self.active[run_id] = part
        self._note(part, "queued")

    def _look(self) -> None:
        states = self.runs.states(self.backfill.run_prefix)
        for run_id, part in list(self.active.items()):
            state = states.get(run_id, "deleted")
            if state in (*ENDED, "deleted"):
                del self.active[run_id]
            self._note(part, state)

    def _note(self, part: Slice, state: str) -> None:
        if self.found.states[part.key] != state:
            self.found.states[part.key] = state
            self.progress.slice_is(part, state)
