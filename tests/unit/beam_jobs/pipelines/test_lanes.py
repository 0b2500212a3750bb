"""Which item is begun next: the one with the most bytes of those in hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from beam_jobs.pipelines.lanes import Lanes

PATIENCE_S = 60
"""After so long a test has failed; none waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """An item of so many bytes."""

    name: str
    size: int


class Bench:
    """A worker that holds the item named ``gate`` until it is told, and remembers what it did."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.at_the_gate, self.open = threading.Event(), threading.Event()

    def look(self, line: str) -> str | Sized:
        """Take a line ``name size``; there is nothing to do for one of no size."""
        name, size = line.split()
        if name == "lost":
            raise KeyError(name)
        return Sized(name=name, size=int(size)) if int(size) else f"{name} was there"

    def do(self, work: Sized) -> str:
        """Do it."""
        if work.name == "gate":
            self.at_the_gate.set()
            assert self.open.wait(PATIENCE_S)
        if work.name == "broken":
            raise ValueError(work.name)
        self.done.append(work.name)
        return f"{work.name} done"


@contextmanager
def lanes_of(bench: Bench, *, lanes: int = 1) -> Iterator[Lanes[str, Sized]]:
    made = Lanes(bench, Sized, lanes=lanes)
    try:
        yield made
    finally:
        bench.open.set()
        made.end()


def submit(lanes: Lanes[str, Sized], *lines: str) -> list[Future[str]]:
    """Hand lines over while no lane is free, each once the one before has its place."""
    futures = []
    for line in lines:
        futures.append(lanes.submit(line))
        while lanes._ready.qsize() < len(futures):
            time.sleep(0.001)
    return futures


def behind_the_gate(lanes: Lanes[str, Sized], bench: Bench) -> Future[str]:
    """Occupy the only lane."""
    gate = lanes.submit("gate 1")
    assert bench.at_the_gate.wait(PATIENCE_S)
    return gate


@pytest.mark.parametrize(
    ("lines", "order"),
    [
        (["a 1", "b 2", "c 3"], "cba"),
        (["b 2", "d 4", "a 1", "c 3"], "dcba"),
        (["a 7", "b 7", "c 7"], "abc"),  # alike: as they came
        (["a 1", "b 50", "c 1", "d 50"], "bdac"),
    ],
)
def test_the_biggest_in_hand_is_begun_first_and_of_two_alike_the_earlier(lines, order):
    bench = Bench()
    with lanes_of(bench) as lanes:
        gate = behind_the_gate(lanes, bench)
        futures = submit(lanes, *lines)
        assert bench.done == []  # all in hand, none begun
        bench.open.set()
        assert gate.result(PATIENCE_S) == "gate done"
        rows = [future.result(PATIENCE_S) for future in futures]
    assert bench.done == ["gate", *order]
    assert rows == [f"{line.split()[0]} done" for line in lines]


def test_what_needs_no_work_waits_for_nobody():
    bench = Bench()
    with lanes_of(bench) as lanes:
        behind_the_gate(lanes, bench)
        assert lanes.submit("there 0").result(PATIENCE_S) == "there was there"
        assert bench.done == []


def test_an_exception_is_the_items_own_and_the_lane_goes_on():
    bench = Bench()
    with lanes_of(bench) as lanes:
        futures = [lanes.submit(line) for line in ("broken 3", "lost 2", "a 1")]
        assert isinstance(futures[0].exception(PATIENCE_S), ValueError)
        assert isinstance(futures[1].exception(PATIENCE_S), KeyError)
        assert futures[2].result(PATIENCE_S) == "a done"
        assert lanes.silent_s() == 0


def test_as_many_are_worked_on_at_a_time_as_there_are_lanes():
    bench = Bench()
    with lanes_of(bench, lanes=2) as lanes:
        gate = behind_the_gate(lanes, bench)
        assert lanes.submit("a 5").result(PATIENCE_S) == "a done"
        assert not gate.done()
        assert lanes.silent_s() >= 0
