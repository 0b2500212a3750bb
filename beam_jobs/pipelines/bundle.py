"""A DoFn that has many items in work at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from beam_jobs.pipelines.lanes import WINDOW, Lanes

OutcomeT = TypeVar("OutcomeT")


class ProcessLines(beam.DoFn, ABC, Generic[OutcomeT]):
    """Lines of a manifest -> what comes of them, several at a time.

    ``process`` hands the line over and gives what is ready; ``finish_bundle`` waits for the rest. So one
    worker process uses all cores, and a long item holds nobody up but itself.

    :param in_process: this is the only worker, so it may take many lines at a time; a remote runner moves
        what is not begun to a worker that is idle.
    """

    def __init__(self, *, in_process: bool) -> None:
        self.in_process = in_process
        self._lanes: Lanes[OutcomeT, Any]
        self._in_work = 0
        self._ended: SimpleQueue[Future[OutcomeT]]

    @abstractmethod
    def join(self) -> Lanes[OutcomeT, Any]:
        """Return who does the work in this process."""

    @abstractmethod
    def give(self, outcome: OutcomeT) -> Iterator[Any]:
        """Return the elements that come of a line."""

    def setup(self) -> None:
        """Join those who do the work."""
        self._lanes = self.join()

    def start_bundle(self) -> None:
        """Begin with nothing in work."""
        self._ended, self._in_work = SimpleQueue(), 0

    def process(self, line: str) -> Iterator[Any]:
        """Submit one line; give what is ready, wait only when too much is in work."""
        self._in_work += 1
        self._lanes.submit(line).add_done_callback(self._ended.put)
        most = WINDOW if self.in_process else self._lanes.max_in_flight
        yield from self._take(wait_for_one=self._in_work >= most)

    def finish_bundle(self) -> Iterator[Any]:
        """Wait for the lines that are still in work."""
        while self._in_work:
            yield from map(at_the_end, self._take(wait_for_one=True))

    def _take(self, *, wait_for_one: bool) -> Iterator[Any]:
        while self._in_work:
            try:
                future = self._ended.get(block=wait_for_one)
            except Empty:
                return
            wait_for_one = False
            self._in_work -= 1
            yield from self.give(future.result())


def at_the_end(element: Any) -> Any:
    """Return an element as ``finish_bundle`` must give it: with its time and window."""
    if isinstance(element, TaggedOutput):
        return TaggedOutput(element.tag, at_the_end(element.value))
    return WindowedValue(element, MIN_TIMESTAMP, (GlobalWindow(),))
