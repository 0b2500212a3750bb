"""Who does the work in one worker process: a pool of children and the threads that serve them.

A Beam worker runs a bundle in one Python thread, which is why this stands beside the pipeline: the
bundle's thread hands items over and takes rows back, N children work meanwhile.

Of the items that are in hand the one with the biggest inputs is begun first, so that no core waits at the
end for a podcast of six hours that happened to be last (longest processing time first, Graham 1969).
"""

from __future__ import annotations

import itertools
import os
import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

from beam_jobs.contract.address import local_path
from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.report import ReportRow
from beam_jobs.isolation.pool import StepPool
from beam_jobs.isolation.task import StepUse
from beam_jobs.pipelines.item import ItemWorker, Work

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


class Crew(Lanes[ReportRow, Work]):
    """The children and threads of one job in this process; thread-safe.

    :param spec: the job.
    """

    def __init__(self, spec: LaunchSpec) -> None:
        size = spec.concurrency or cores()
        self._pool = StepPool([StepUse(step=spec.step, params=spec.params, limits=spec.limits)], size=size)
        super().__init__(ItemWorker(spec, self._pool), Work, lanes=lanes_for(size, spec))

    def start(self) -> None:
        """Start the children, without waiting for them."""
        self._pool.start()

    def close(self) -> None:
        """Kill the children and end the threads."""
        self._pool.close()
        self.end()


def lanes_for(size: int, *specs: LaunchSpec) -> int:
    """Return how many items are worked on at a time with ``size`` children.

    Where inputs are copied, one lane fetches while another's child computes.
    """
    templates = [template for spec in specs for template in (spec.output, *spec.inputs.values())]
    return size if all(local_path(template) is not None for template in templates) else 2 * size


_crews: dict[str, Crew] = {}
_crews_lock = threading.Lock()


def crew_for(spec: LaunchSpec) -> Crew:
    """Return this process's crew for ``spec``: all threads of a Beam worker share one."""
    key = spec.model_dump_json()
    with _crews_lock:
        if key not in _crews:
            _crews[key] = Crew(spec)
            _crews[key].start()
        return _crews[key]


def dismiss_crews() -> None:
    """Close every crew of this process."""
    with _crews_lock:
        crews = list(_crews.values())
        _crews.clear()
    for crew in crews:
        crew.close()
