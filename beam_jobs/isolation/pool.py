"""A pool of child processes that run a step, or the steps of a fused line, one item at a time each.

Why not a library: ``concurrent.futures`` and ``loky`` give up the whole pool when one child dies;
``pebble`` replaces the child, but all its children read from one pipe under one lock, and a child that
is killed while it waits there (by the kernel's out-of-memory killer, say) takes the lock with it and
ends the pool ("Unexpected error within the Pool", pebble 5.2); its initializer has no time limit; and
all of them import the parent's ``__main__`` again, which on a Beam worker is Beam itself. Here each
child has a line of its own, so nothing that one does concerns another.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError

from beam_jobs.contract.errors import StepCrashed, StepTimeout
from beam_jobs.isolation.process import HANDOVER_TIMEOUT_S, ChildProcess
from beam_jobs.isolation.task import StepOutcome, StepTask, StepUse
from beam_jobs.isolation.wire import Unreadable

MAX_FAILED_STARTS = 3

_OUTCOME = TypeAdapter(StepOutcome)

SHARE_MB = 256
"""What a child may keep of the decoded audio of one item for the steps that read it next."""


class _DiedIdle(Exception):
    """The child was gone before it took the task, so the task is not to blame."""


class _Late(Exception):
    """The child took the task and did not end it in time."""


class _Slot:
    child: ChildProcess | None = None


class StepPool:
    """Children that each can run the same steps; thread-safe.

    :param uses: the steps.
    :param size: number of children.
    """

    def __init__(self, uses: Sequence[StepUse], *, size: int) -> None:
        self._uses = uses
        share = SHARE_MB if len(uses) > 1 else 0
        self._setup = {
            "steps": [[use.step, dict(use.params)] for use in uses],
            "memory_mb": _memory_limit(uses, share),
            "share_mb": share,
        }
        # The kernel ends a child with the *thread* that started it, and Beam's threads come and go.
        self._keeper = ThreadPoolExecutor(max_workers=1, thread_name_prefix="step-pool")
        self._slots = [_Slot() for _ in range(size)]
        self._idle: queue.SimpleQueue[_Slot] = queue.SimpleQueue()
        self._ever_ready = False
        self._failed_starts: list[str] = []
        self._closed = False
        for slot in self._slots:
            self._idle.put(slot)

    def start(self) -> None:
        """Start all children without waiting for them, so that they warm up meanwhile."""
        for slot in self._slots:
            self._keeper.submit(self._fill, slot)

    def run(self, task: StepTask) -> StepOutcome:
        """Run a step on one item in a child that is free; waits for one, never raises for the item."""
        with self.session() as run:
            return run(task)

    @contextmanager
    def session(self) -> Iterator[Callable[[StepTask], StepOutcome]]:
        """Wait for a child that is free and give a :meth:`run` that stays with it, for steps of one item."""
        slot = self._idle.get()
        try:
            yield partial(self._run, slot)
        finally:
            self._idle.put(slot)

    def close(self) -> None:
        """Kill every child, whatever it does."""
        self._closed = True
        self._keeper.shutdown(wait=True, cancel_futures=True)  # first: it may be starting one
        for slot in self._slots:
            if slot.child is not None:
                slot.child.stop()

    def _run(self, slot: _Slot, task: StepTask) -> StepOutcome:
        started = time.perf_counter()
        try:
            for _ in range(2):
                with suppress(_DiedIdle):
                    return self._run_in(slot, task)
            raise StepCrashed(
                f"item {task.item!r}: two child processes died before they took it; see the log"
            )
        except (StepCrashed, StepTimeout) as error:
            return StepOutcome.failure(error, seconds={"step": time.perf_counter() - started})

    def _run_in(self, slot: _Slot, task: StepTask) -> StepOutcome:
        child = self._ready_child(slot, task)
        keep = False
        try:
            answer = self._await(child, task)
            outcome = _read_answer(answer, task)
            # Out of memory, what is left of its heap is not trusted; files that a lost item left go with it.
            keep = outcome.error_class != "MemoryError" and not (outcome.error_class and child.has_litter())
            return outcome
        finally:
            if not keep:
                slot.child = None
                child.stop()

    def _await(self, child: ChildProcess, task: StepTask) -> dict[str, Any]:
        use = self._uses[task.use]
        name, limit = use.step, use.limits.timeout_s
        try:
            child.hand(task.as_message())
            answer = _answer_of(child, limit)
        except OSError:
            raise _DiedIdle from None
        except _Late:
            raise StepTimeout(
                f"item {task.item!r}: step {name!r} did not end within {limit:g} s and was killed; "
                "raise the job's timeout_s or leave the item out"
            ) from None
        except Unreadable as error:
            if not child.took_it():
                raise _DiedIdle from None
            raise StepCrashed(
                f"item {task.item!r}: step {name!r} broke its process's line: {error}"
            ) from None
        if answer is None:
            if not child.took_it():
                raise _DiedIdle
            raise StepCrashed(
                f"item {task.item!r}: the process of step {name!r} {child.end()}; "
                "leave the item out, raise the job's memory_mb, or mend the step"
            )
        return answer

    def _ready_child(self, slot: _Slot, task: StepTask) -> ChildProcess:
        if len(self._failed_starts) >= MAX_FAILED_STARTS and not self._ever_ready:
            raise StepCrashed(f"item {task.item!r}: {self._failed_starts[-1]}")
        child = slot.child or self._keeper.submit(self._fill, slot).result()
        fault = "" if child.ready else child.wait_ready()
        if fault:
            slot.child = None
            child.stop()
            names = ", ".join(repr(use.step) for use in self._uses)
            reason = f"the process of step {names} could not start: {fault}"
            self._failed_starts.append(reason)
            raise StepCrashed(f"item {task.item!r}: {reason}")
        self._ever_ready = True
        return child

    def _fill(self, slot: _Slot) -> ChildProcess:
        if slot.child is None:
            if self._closed:
                raise StepCrashed("the pool is closed")
            slot.child = ChildProcess(self._setup)
        return slot.child


def _answer_of(child: ChildProcess, limit_s: float) -> dict[str, Any] | None:
    """Wait for what a child says of the task that it was just handed; None when it is gone.

    :raises _Late: when it took the task and does not end it within ``limit_s``.
    :raises _DiedIdle: when it does not even take it.
    """
    handed = time.monotonic()
    end = handed + min(limit_s, HANDOVER_TIMEOUT_S)
    while True:
        try:
            return child.wire.receive(deadline=end)
        except TimeoutError:
            took_it = child.took_it()
            last = handed + (limit_s if took_it else HANDOVER_TIMEOUT_S)
            if end >= last:
                raise (_Late if took_it else _DiedIdle) from None
            end = last


def _memory_limit(uses: Sequence[StepUse], share_mb: int) -> int | None:
    """Return what a child may grow by: the most that one of its steps may, or None when one has no limit."""
    limits = [use.limits.memory_mb for use in uses]
    return None if None in limits else max(limit for limit in limits if limit is not None) + share_mb


def _read_answer(answer: dict[str, Any], task: StepTask) -> StepOutcome:
    """Return the outcome, checked: whatever went wrong in the child may have said it."""
    try:
        StepOutcome(**answer)  # knows no other names
        return _OUTCOME.validate_python(answer)
    except (TypeError, ValidationError):
        raise StepCrashed(
            f"item {task.item!r}: its process answered {str(answer)[:200]}, which is no outcome"
        ) from None
