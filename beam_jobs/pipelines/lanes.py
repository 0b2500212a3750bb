"""Threads that take items through a worker, the biggest of those in hand first.

So that no core waits at the end for a podcast of six hours that happened to be last (longest processing
time first, Graham 1969).
"""

from __future__ import annotations

import itertools
import os
import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

WINDOW = 2_000
"""Items in hand where one process has the whole manifest."""

LOOKS_PER_LANE = 4

RowT_co = TypeVar("RowT_co", covariant=True)
WorkT = TypeVar("WorkT", bound="Sized")


class Sized(Protocol):
    """Work of which is known how big it is."""

    @property
    def size(self) -> int:
        """Bytes of the inputs."""
        ...


class Worker(Protocol[RowT_co, WorkT]):
    """Takes a line of a manifest to what is reported of it, in two parts; neither raises."""

    def look(self, line: str) -> RowT_co | WorkT:
        """Return what is to do, or what is reported when nothing is."""
        ...

    def do(self, work: WorkT) -> RowT_co:
        """Do it."""
        ...


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Lanes(Generic[RowT_co, WorkT]):
    """Threads that take lines through a worker, the biggest in hand first; thread-safe.

    :param work: the kind of thing that :meth:`Worker.look` returns when there is something to do.
    :param lanes: items worked on at a time.
    """

    def __init__(self, worker: Worker[RowT_co, WorkT], work: type[WorkT], *, lanes: int) -> None:
        self._worker, self._kind = worker, work
        self._lookers = ThreadPoolExecutor(LOOKS_PER_LANE * lanes, thread_name_prefix="look")
        self._lanes = ThreadPoolExecutor(lanes, thread_name_prefix="item")
        self._ready: queue.PriorityQueue[tuple[int, int, WorkT, Future[RowT_co]]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._in_flight = 0
        self.max_in_flight = 2 * lanes
        self.first_item_at: float | None = None
        self.last_row_at = time.monotonic()

    def submit(self, line: str) -> Future[RowT_co]:
        """Take a line of the manifest; the row comes with the future, an exception never does."""
        with self._lock:
            now = time.monotonic()
            if self.first_item_at is None:
                self.first_item_at = now
            if not self._in_flight:
                self.last_row_at = now
            self._in_flight += 1
        future: Future[RowT_co] = Future()
        self._lookers.submit(self._look, line, future)
        return future

    def note_life(self) -> None:
        """Tell that something goes on where the lanes cannot see it."""
        with self._lock:
            self.last_row_at = time.monotonic()

    def silent_s(self) -> float:
        """Return for how long items have been in work without one of them ending."""
        with self._lock:
            return time.monotonic() - self.last_row_at if self._in_flight else 0.0

    def end(self) -> None:
        """End the threads."""
        self._lookers.shutdown(wait=False, cancel_futures=True)
        self._lanes.shutdown(wait=False, cancel_futures=True)

    def _look(self, line: str, future: Future[RowT_co]) -> None:
        try:
            found = self._worker.look(line)
            if isinstance(found, self._kind):
                self._ready.put((-found.size, next(self._numbers), found, future))
                self._lanes.submit(self._do_biggest)
                return
        except BaseException as error:
            self._settle(future, error)
            raise
        self._settle(future, found)  # type: ignore[arg-type]

    def _do_biggest(self) -> None:
        _, _, work, future = self._ready.get_nowait()
        try:
            row = self._worker.do(work)
        except BaseException as error:
            self._settle(future, error)
            raise
        self._settle(future, row)

    def _settle(self, future: Future[RowT_co], outcome: RowT_co | BaseException) -> None:
        with self._lock:
            self._in_flight -= 1
            self.last_row_at = time.monotonic()
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
