"""The planner against a second one that knows nothing of arrays: one item at a time, by walking the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_media_provider.planning import (
    CellTable,
    Mode,
    PlanQuery,
    item_force,
    item_ping,
    plan_cells,
    reached_jobs,
)
from airflow_media_provider.registry.model import SOURCE, Job, JobGraph


@dataclass(frozen=True)
class Wish:
    force: Any = None
    ping: bool | None = None


@dataclass(frozen=True)
class State:
    """One item: what is there of it, and what its row in the list says."""

    source: bool
    present: frozenset[str]
    stale: frozenset[str]
    wish: Wish


@dataclass(frozen=True)
class World:
    graph: JobGraph
    query: PlanQuery
    states: tuple[State, ...]


class Oracle:
    """Plans one item."""

    def __init__(self, graph: JobGraph, query: PlanQuery, state: State) -> None:
        self.graph, self.query, self.state = graph, query, state
        self.reached = {job for job in graph.jobs if self._reaches(job)}
        bottom_up = query.mode == Mode.BOTTOM_UP
        self.goals = set(query.targets) if bottom_up else self.reached
        self.forced = {job for job in self.reached if any(self._leads(f, job) for f in self._asked_again())}
        self.running: set[str] = set()
        self.stuck: set[str] = set()
        for job in self.goals | self.forced:
            self._walk(job)

    def _leads(self, first: str, last: str) -> bool:
        """Is there a way from ``first`` down to ``last``?"""
        return first == last or any(self._leads(first, parent) for parent in self.graph.jobs[last].parents)

    def _reaches(self, job: str) -> bool:
        if self.query.mode == Mode.ONLY:
            return job in self.query.targets
        if self.query.mode == Mode.TOP_DOWN:
            return any(self._leads(target, job) for target in self.query.targets)
        return any(self._leads(job, target) for target in self.query.targets)

    def _asked_again(self) -> set[str]:
        if self.state.wish.force is False:
            return set()
        asked = set(self.query.force) | {job for job in self.reached if self.graph.jobs[job].force}
        if self.query.force_all or self.state.wish.force == "all":
            asked |= self.reached
        if self.state.wish.force is True:
            asked |= set(self.query.targets)
        if isinstance(self.state.wish.force, frozenset):
            asked |= self.state.wish.force
        return asked

    def _there(self, job: str) -> bool:
        return job in self.state.present

    def _why_not(self, job: str) -> set[str]:
        """What keeps the job's inputs from being had; nothing when they can be."""
        why = set()
        for need in self.graph.jobs[job].needs:
            if need == SOURCE:
                why |= set() if self.state.source else {"source-missing"}
            elif not self._there(need):
                why |= self._why_not(need) if need in self.reached else {"parent-failed"}
        return why

    def _walk(self, job: str) -> None:
        if self._there(job) and job not in self.forced:
            return
        buildable = not self._why_not(job)
        (self.running if buildable else self.stuck).add(job)
        for parent in self.graph.jobs[job].parents:
            pulled = parent in self.reached and not self._there(parent)
            if pulled and (buildable or self._why_not(parent)):
                self._walk(parent)

    def cell(self, job: str) -> tuple[str, str]:
        if job in self.stuck:
            why = self._why_not(job)
            return "blocked", "source-missing" if "source-missing" in why else "parent-failed"
        if job in self.running:
            return "run", self._why_run(job)
        return "skip", "present" if self._there(job) else "excluded"

    def _why_run(self, job: str) -> str:
        if self._there(job):
            return "forced"
        if job in self.goals:
            return "stale" if job in self.state.stale else "missing"
        for child in self.graph.order:
            if child in self.running and job in self.graph.jobs[child].parents:
                return f"needed-by({child})"
        return "forced"

    def traced(self, job: str) -> bool:
        if job not in self.running:
            return False
        said = self.state.wish.ping
        own = (self.query.ping or self.graph.jobs[job].ping) if said is None else said
        lacking = [parent for parent in self.graph.jobs[job].parents if not self._there(parent)]
        return own or any(self.traced(parent) for parent in lacking)


rarely = st.integers(0, 7).map(lambda number: number == 7)


@st.composite
def graphs(draw: st.DrawFn) -> JobGraph:
    names = [f"job{number}" for number in range(draw(st.sampled_from([1, 2, 3, 4, 5, 6, 8])))]
    jobs = []
    for number, name in enumerate(names):
        # Any mix of parents, the source among them; none at all is a job that makes its own input.
        needs = draw(st.lists(st.sampled_from([SOURCE, *names[:number]]), unique=True, max_size=4))
        force, ping = draw(rarely), draw(rarely)
        jobs.append(Job(name=name, step="s", needs=tuple(needs), force=force, ping=ping))
    listed = draw(st.permutations(jobs))
    return JobGraph(name="g", root="memory://r", source="memory://s/{item}", jobs={j.name: j for j in listed})


@st.composite
def worlds(draw: st.DrawFn) -> World:
    graph = draw(graphs())
    some = st.frozensets(st.sampled_from(list(graph.jobs)))
    targets = tuple(draw(st.lists(st.sampled_from(list(graph.jobs)), min_size=1, max_size=3, unique=True)))
    mode = draw(st.sampled_from(Mode))
    reached = reached_jobs(graph, PlanQuery(targets=targets, mode=mode))
    reachable = st.frozensets(st.sampled_from(reached), max_size=2)
    query = PlanQuery(
        targets=targets,
        mode=mode,
        force=draw(st.one_of(st.just(frozenset()), st.just(frozenset()), reachable)),
        force_all=draw(rarely),
        ping=draw(rarely),
    )
    force = st.one_of(st.none(), st.none(), st.none(), st.booleans(), st.just("all"), reachable)
    wishes = st.builds(Wish, force=force, ping=st.sampled_from([None, None, True, False]))
    state = st.builds(State, source=st.booleans(), present=some, stale=some, wish=wishes)
    return World(graph, query, tuple(draw(st.lists(state, max_size=12))))


def plan(world: World) -> tuple[CellTable, pa.Array]:
    items = pa.array([f"item{row}" for row in range(len(world.states))], pa.large_string())
    overrides = {f"item{row}": state.wish for row, state in enumerate(world.states)}
    jobs = world.graph.jobs
    table = plan_cells(
        world.graph,
        world.query,
        source=np.array([state.source for state in world.states], np.bool_),
        present={job: np.array([job in s.present for s in world.states], np.bool_) for job in jobs},
        stale={job: np.array([job in s.stale for s in world.states], np.bool_) for job in jobs},
        item_force=item_force(world.graph, world.query, items, overrides),
        item_ping=item_ping(world.graph, world.query, items, overrides),
    )
    return table, items


def cells_of(world: World) -> list[dict[str, tuple[str, str]]]:
    """Per item: job -> action, reason."""
    table, items = plan(world)
    found: list[dict[str, tuple[str, str]]] = [{} for _ in world.states]
    for cell in table.rows(items):
        row = int(cell.item.removeprefix("item"))
        assert cell.job not in found[row], "a cell is given twice"
        found[row][cell.job] = (cell.action, cell.reason)
    return found


many = settings(max_examples=100)


@settings(max_examples=500)
@given(worlds())
def test_every_cell_is_what_the_oracle_says(world: World) -> None:
    for state, cells in zip(world.states, cells_of(world), strict=True):
        oracle = Oracle(world.graph, world.query, state)
        assert cells == {job: oracle.cell(job) for job in oracle.reached}


@many
@given(worlds())
def test_the_traced_cells_are_those_of_the_oracle(world: World) -> None:
    table, _ = plan(world)
    oracles = [Oracle(world.graph, world.query, state) for state in world.states]
    for job in table.jobs:
        assert table.ping(job).tolist() == [oracle.traced(job) for oracle in oracles]


@many
@given(worlds())
def test_masks_and_counts_agree_with_the_rows(world: World) -> None:
    table, _ = plan(world)
    cells = cells_of(world)
    counts = table.counts()
    assert list(counts) == list(table.jobs)
    for job in table.jobs:
        column = [row[job] for row in cells]
        for action in ("run", "skip", "blocked"):
            assert table.mask(job, action).tolist() == [a == action for a, _ in column]
        assert counts[job] == {
            "run": sum(a == "run" for a, _ in column),
            "present": column.count(("skip", "present")),
            "blocked": sum(a == "blocked" for a, _ in column),
        }


@many
@given(worlds())
def test_parents_come_before_children_and_each_cell_once(world: World) -> None:
    table, items = plan(world)
    assert sorted(table.jobs) == sorted(set(table.jobs))
    seen: list[tuple[str, str]] = []
    for cell in table.rows(items):
        above = [parent for parent in world.graph.jobs[cell.job].parents if parent in table.jobs]
        assert all((cell.item, parent) in seen for parent in above)
        assert (cell.item, cell.job) not in seen
        seen.append((cell.item, cell.job))


@many
@given(worlds())
def test_nothing_off_the_line_runs(world: World) -> None:
    """Bottom-up: only targets and their ancestors; top-down: only descendants; only: the targets."""
    targets, graph = world.query.targets, world.graph
    line = {
        Mode.BOTTOM_UP: graph.ancestors(targets),
        Mode.TOP_DOWN: graph.descendants(targets),
        Mode.ONLY: frozenset(targets),
    }[world.query.mode]
    assert set(plan(world)[0].jobs) == line


@many
@given(worlds())
def test_nothing_present_is_redone_unless_forced(world: World) -> None:
    for state, cells in zip(world.states, cells_of(world), strict=True):
        forced = Oracle(world.graph, world.query, state).forced
        for job, (action, reason) in cells.items():
            if job in state.present and job not in forced:
                assert (action, reason) == ("skip", "present")
            if reason == "forced":
                assert job in forced


@many
@given(worlds())
def test_nothing_missing_on_the_line_is_left_out(world: World) -> None:
    """A goal that is absent runs or is blocked, and whatever runs finds its inputs there or running."""
    for state, cells in zip(world.states, cells_of(world), strict=True):
        oracle = Oracle(world.graph, world.query, state)
        for job, (action, _) in cells.items():
            if job in oracle.goals and job not in state.present:
                assert action in ("run", "blocked")
            if action == "run":
                for need in world.graph.jobs[job].needs:
                    there = state.source if need == SOURCE else need in state.present
                    assert there or cells[need][0] == "run"


@many
@given(worlds())
def test_what_is_blocked_pulls_in_nothing(world: World) -> None:
    """Bottom-up, an ancestor runs only for a child that runs, for itself as a goal, or by force."""
    for state, cells in zip(world.states, cells_of(world), strict=True):
        oracle = Oracle(world.graph, world.query, state)
        for job, (action, _) in cells.items():
            if action == "run" and job not in oracle.goals | oracle.forced:
                assert any(cells.get(child, ("", ""))[0] == "run" for child in world.graph.children[job])
            if action == "blocked":
                needs = world.graph.jobs[job].parents
                inputs = [n in state.present or cells.get(n, ("", ""))[0] == "run" for n in needs]
                no_source = SOURCE in world.graph.jobs[job].needs and not state.source
                assert no_source or not all(inputs)
