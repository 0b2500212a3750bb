"""A run's progress on standard error: bars on a terminal, a line per job elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from rich.progress import TaskID

    from airflow_media_provider.runs.stored import StoredPlan


class RunProgress:
    """Shows the events of workers while it is open.

    :param plan: whose jobs to show.
    """

    def __init__(self, plan: StoredPlan) -> None:
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]}", style="red"),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {
            job: self._bars.add_task(job, total=counts["run"], failed="", start=False)
            for job, counts in plan.counts.items()
            if counts["run"]
        }

    def __enter__(self) -> RunProgress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def event(self, event: dict[str, Any]) -> None:
        """Show one event of a worker."""
        job = str(event.get("job", ""))
        match event["event"]:
            case "progress" if job in self._tasks:
                failed = f"{event['failed']} failed" if event["failed"] else ""
                self._bars.start_task(self._tasks[job])
                # A plan counts items, a job over their children counts these.
                total, done = event["total"], event["done"]
                self._bars.update(self._tasks[job], total=total, completed=done, failed=failed)
            case "finished" if not self._console.is_terminal:
                counts = ", ".join(f"{count} {name}" for name, count in event["counts"].items() if count)
                print(f"{job}: {counts}", file=sys.stderr)
            case "submitted":
                self.line(f"{job}: submitted as {event.get('job_id')}")

    def line(self, line: str) -> None:
        """Show what a worker said beside its events."""
        if self._console.is_terminal:
            self._console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr)
