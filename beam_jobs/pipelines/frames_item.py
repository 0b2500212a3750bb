"""One item on its way to a model: look, fetch, and have a child write what the model is shown."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.manifest import ManifestRow
from beam_jobs.contract.report import ReportRow
from beam_jobs.isolation.pool import StepPool
from beam_jobs.isolation.task import StepTask
from beam_jobs.pipelines.item import ItemLooker, Work
from beam_jobs.pipelines.lanes import cores
from beam_jobs.pipelines.trace import Trace
from beam_jobs.storage.store import Scratch

ROOM_PER_CHILD: Final = 4
"""Items whose frames may be on disk: enough that the model never waits, few enough for any disk."""


class Hold:
    """A place on the worker's disk; one that nobody refers to any more is released too.

    :param free: called once, when the place is empty again.
    """

    def __init__(self, free: Callable[[], None]) -> None:
        self.scratch = Scratch()
        self.release = weakref.finalize(self, _empty, self.scratch, free)


def _empty(scratch: Scratch, free: Callable[[], None]) -> None:
    try:
        scratch.__exit__()
    finally:
        free()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An item that a model can be shown.

    :param path: rows that :func:`beam_jobs.media.model_frames.write_rows` wrote; there until ``hold`` is
        released.
    """

    row: ManifestRow
    trace: Trace
    path: Path
    hold: Hold


class FrameWorker(ItemLooker):
    """Takes one line of the manifest to rows on disk, or to the row of what needs none; thread-safe."""

    def __init__(self, spec: LaunchSpec, pool: StepPool) -> None:
        super().__init__(spec, pool)
        self._room = threading.Semaphore(ROOM_PER_CHILD * (spec.concurrency or cores()))

    def do(self, work: Work) -> ReportRow | Prepared:
        """Prepare an item; waits while too many are prepared."""
        self._room.acquire()
        hold = Hold(self._room.release)
        try:
            made = self._prepare(work, hold)
        except Exception as error:
            made = self._desk.failed(work.row.item, work.trace, error)
        if isinstance(made, ReportRow):
            hold.release()
        return made

    def close(self) -> None:
        """Let those go on that wait for room: nobody will make any."""
        self._room.release(1 << 20)

    def _prepare(self, work: Work, hold: Hold) -> ReportRow | Prepared:
        row, trace = work.row, work.trace
        path = hold.scratch.new_file(".npy")
        with Scratch() as scratch:
            with trace.at("fetch"):
                inputs = {name: self._fetch(uri, scratch) for name, uri in work.uris.items()}
            trace.stage = "step"
            outcome = self._pool.run(StepTask(item=row.item, inputs=inputs, output=str(path)))
        trace.add(outcome)
        if outcome.error_class:
            return self._desk.lost(row.item, trace, outcome)
        return Prepared(row=row, trace=trace, path=path, hold=hold)
