"""Who does the work in one worker process: a pool of children and the threads that serve them.

A Beam worker runs a bundle in one Python thread, which is why this stands beside the pipeline: the
bundle's thread hands items over and takes rows back, N children work meanwhile.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from beam_jobs.contract.address import local_path
from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.report import ReportRow
from beam_jobs.isolation.pool import StepPool
from beam_jobs.pipelines.item import ItemWorker


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Crew:
    """The children and threads of one job in this process; thread-safe.

    :param spec: the job.
    """

    def __init__(self, spec: LaunchSpec) -> None:
        size = spec.concurrency or cores()
        self._pool = StepPool(step=spec.step, params=spec.params, size=size, limits=spec.limits)
        self._worker = ItemWorker(spec, self._pool)
        # Where inputs are copied, one lane fetches while another's child computes.
        lanes = size if _all_local(spec) else 2 * size
        self._lanes = ThreadPoolExecutor(max_workers=lanes, thread_name_prefix="item")
        self._lock = threading.Lock()
        self._in_flight = 0
        self.max_in_flight = 2 * lanes
        self.first_item_at: float | None = None
        self.last_row_at = time.monotonic()

    def start(self) -> None:
        """Start the children, without waiting for them."""
        self._pool.start()

    def submit(self, line: str) -> Future[ReportRow]:
        """Take a line of the manifest; the row comes with the future, an exception never does."""
        with self._lock:
            now = time.monotonic()
            if self.first_item_at is None:
                self.first_item_at = now
            if not self._in_flight:
                self.last_row_at = now
            self._in_flight += 1
        future = self._lanes.submit(self._worker.run, line)
        future.add_done_callback(self._count_off)
        return future

    def silent_s(self) -> float:
        """Return for how long items have been in work without one of them ending."""
        with self._lock:
            return time.monotonic() - self.last_row_at if self._in_flight else 0.0

    def close(self) -> None:
        """Kill the children and end the threads."""
        self._pool.close()
        self._lanes.shutdown(wait=False, cancel_futures=True)

    def _count_off(self, _: Future[ReportRow]) -> None:
        with self._lock:
            self._in_flight -= 1
            self.last_row_at = time.monotonic()


def _all_local(spec: LaunchSpec) -> bool:
    return all(local_path(template) is not None for template in (spec.output, *spec.inputs.values()))


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
