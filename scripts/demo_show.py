"""What the demo prints: a live line per job, and a table of what was made and where."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.layout import RunLayout
from airflow_media_provider.runs.outcome import stored_outcome
from airflow_media_provider.runs.stored import open_plan
from airflow_media_provider.storage import Stores
from tests.airflow_env import AirflowClient, DagRun
from tests.airflow_env.client import ENDED

COUNTS = ("done", "present", "failed", "blocked")
COLOURS = {"done": "green", "present": "cyan", "failed": "red", "blocked": "yellow"}


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of every job of a run.

    :param jobs: job -> ``done``, ``present``, ``failed``, ``blocked``.
    """

    jobs: dict[str, dict[str, int]]

    @classmethod
    def read(cls, layout: RunLayout, graph: JobGraph) -> Tally:
        """Read the outcomes in a run's folder; what a job did not get to counts as blocked."""
        stores = Stores()
        plan = open_plan(layout.uri, stores)
        jobs = {}
        for job in graph.sort(plan.jobs):
            outcome = stored_outcome(plan, job, stores)
            planned = plan.counts[job]
            counts = (
                outcome.counts
                if outcome
                else {
                    "present": planned["present"],
                    "blocked": planned["run"] + planned["blocked"],
                }
            )
            jobs[job] = {name: counts.get(name, 0) for name in COUNTS}
        return cls(jobs)

    @property
    def lost(self) -> int:
        """Cells that failed or were blocked."""
        return sum(counts["failed"] + counts["blocked"] for counts in self.jobs.values())

    @property
    def made(self) -> int:
        """Artifacts made by this run."""
        return sum(counts["done"] for counts in self.jobs.values())

    @property
    def found(self) -> int:
        """Artifacts that were there already."""
        return sum(counts["present"] for counts in self.jobs.values())


def show_progress(
    console: Console, client: AirflowClient, run: DagRun, graph: JobGraph, items: list[str]
) -> DagRun:
    """Show each job's artifacts as they appear, until the run ends."""
    printed: dict[str, str] = {}
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        for now, states, made in watch(client, run, graph, items):
            if console.is_terminal:
                live.update(progress_table(graph, states, made, len(items)))
            else:
                lines = progress_lines(graph, states, made, len(items))
                for job in graph.order:
                    if printed.get(job) != lines[job]:
                        console.print(lines[job])
                printed = lines
            run = now
    return run


def watch(
    client: AirflowClient, run: DagRun, graph: JobGraph, items: list[str]
) -> Iterator[tuple[DagRun, dict[str, str | None], dict[str, int]]]:
    """Yield the run, its tasks' states and each job's count of artifacts, when something changed."""
    stores, wanted, last = Stores(), frozenset(items), None
    while True:
        now = client.run(run.dag_id, run.run_id)
        states = client.task_states(run)
        made = {job: count_artifacts(graph, job, wanted, stores) for job in graph.order}
        if last != (states, made):
            last = (states, made)
            yield now, states, made
        if now.state in ENDED:
            yield now, states, made
            return
        time.sleep(0.5)


def count_artifacts(graph: JobGraph, job: str, items: frozenset[str], stores: Stores) -> int:
    """Count a job's artifacts of the demo's items: storage is the truth, also while the job runs."""
    address = recipe(graph, job).address
    uris = (uri for batch in stores.for_uri(address.prefix).list_uris(address.prefix) for uri in batch)
    return sum(address.item_of(uri) in items for uri in uris)


def progress_table(graph: JobGraph, states: dict[str, str | None], made: dict[str, int], total: int) -> Table:
    """Return one line per job: state, bar, count."""
    table = Table.grid(padding=(0, 2))
    for job in graph.order:
        state = states.get(f"{job}.run") or "waiting"
        bar = ProgressBar(total=total, completed=made[job], width=40)
        table.add_row(job, bar, f"{made[job]}/{total}", f"[dim]{state}")
    return table


def progress_lines(
    graph: JobGraph, states: dict[str, str | None], made: dict[str, int], total: int
) -> dict[str, str]:
    """Return the same as a line per job, for a log, which gets those that changed."""
    return {
        job: f"{job}: {made[job]} of {total} artifacts, {states.get(f'{job}.run') or 'waiting'}"
        for job in graph.order
    }


def show_result(console: Console, tally: Tally, graph: JobGraph, items: list[str], *, seconds: float) -> None:
    """Print what was made and where."""
    table = Table(title=f"{len(items)} songs, {seconds:.0f} s", title_justify="left")
    table.add_column("job")
    for name in COUNTS:
        table.add_column(name, justify="right")
    table.add_column("where", overflow="fold")
    for job, counts in tally.jobs.items():
        row = [f"[{COLOURS[name]}]{counts[name]}" if counts[name] else "[dim]0" for name in COUNTS]
        where = Path(recipe(graph, job).address.template.removeprefix("file://"))
        shown = where.relative_to(Path.cwd()) if where.is_relative_to(Path.cwd()) else where
        table.add_row(job, *row, str(shown))
    console.print(table)
    if not tally.made and not tally.lost:
        console.print(
            f"Nothing to do: all {tally.found} artifacts were there already, every job was skipped."
        )
    elif tally.found:
        console.print(f"{tally.made} artifacts made; {tally.found} were there already and were skipped.")
