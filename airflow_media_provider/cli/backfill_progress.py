"""A backfill's progress on standard error: a bar on a terminal, a line per ended slice anywhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from airflow_media_provider.cli.backfill_runs import ENDED
from airflow_media_provider.runs.backfill import Slice

Counts = dict[str, dict[str, int]]


class BackfillProgress:
    """Shows slices as they start and end.

    :param done: slices that are done already.
    :param counts: what became of a slice's run, by job.
    """

    def __init__(self, *, total: int, done: int, counts: Callable[[Slice], Counts]) -> None:
        self.counts: dict[str, Counts] = {}
        self._read = counts
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[active]} active"),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._active: set[str] = set()
        self._bar = self._bars.add_task("partitions", total=total, completed=done, active=0)

    def __enter__(self) -> BackfillProgress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def slice_is(self, part: Slice, state: str) -> None:
        """Show that a slice's run has a new state."""
        if state in (*ENDED, "deleted"):
            self._active.discard(part.key)
            self._bars.advance(self._bar)
            self.counts[part.key] = self._read(part)
            text = "; ".join(f"{job} {_words(numbers)}" for job, numbers in self.counts[part.key].items())
            self.line(f"{part.key}: {state}{f' ({text})' if text else ''}")
        else:
            self._active.add(part.key)
            if state == "queued":
                self.line(f"{part.key}: started")
        self._bars.update(self._bar, active=len(self._active))

    def budget_is_spent(self, spent: int, *, left: int) -> None:
        """Say that the next slice would pass the budget."""
        alone = "" if spent else " by itself; raise --budget-items"
        self.line(f"budget: {spent} items started; the next of {left} partitions would pass it{alone}")

    def line(self, line: str) -> None:
        """Show a line above the bar."""
        if self._console.is_terminal:
            self._console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr)


def _words(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in numbers.items() if number) or "nothing to do"
