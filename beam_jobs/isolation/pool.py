"""A pool of child processes that run one step, one item at a time each.

Why not a library: ``concurrent.futures`` and ``loky`` give up the whole pool when one child dies;
``pebble`` replaces the child, but all its children read from one pipe under one lock, and a child that
is killed while it waits there (by the kernel's out-of-memory killer, say) takes the lock with it and
ends the pool ("Unexpected error within the Pool", pebble 5.2); its initializer has no time limit; and
all of them import the parent's ``__main__`` again, which on a Beam worker is Beam itself. Here each
child has a line of its own, so nothing that one does concerns another.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from beam_jobs.contract.errors import StepCrashed, StepTimeout
from beam_jobs.contract.launch import Limits
from beam_jobs.isolation.death import describe_exit
from beam_jobs.isolation.task import StepOutcome, StepTask
from beam_jobs.isolation.wire import Unreadable, Wire

START_TIMEOUT_S = 300.0
"""Imports and warm-up of one child; compiling a cold codebase on a slow disk takes a minute."""

HANDOVER_TIMEOUT_S = 60.0
"""From sending a task to the child's word that it took it; a swapping machine is slow."""

MAX_FAILED_STARTS = 3

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class _DiedIdle(Exception):
    """The child was gone before it took the task, so the task is not to blame."""


class _Child:
    """One child process and its line."""

    def __init__(self, setup: dict[str, Any]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            boot = str(Path(__file__).with_name("boot.py"))
            argv = [sys.executable, "-P", boot, json.dumps(sys.path), str(theirs.fileno()), str(os.getpid())]
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a step prints must not mix with the events on our standard output
                pass_fds=[theirs.fileno()],
                env={
                    **dict.fromkeys(_ONE_THREAD, "1"),
                    **os.environ,
                },  # one child per core: no threads inside
                process_group=0,  # so that what the step started can be killed with it
            )
        self.wire = Wire(ours)
        self.ready = False
        with suppress(OSError):
            self.wire.send(setup, timeout_s=HANDOVER_TIMEOUT_S)

    def wait_ready(self) -> str:
        """Wait for the end of the warm-up; return what went wrong with it, or ""."""
        try:
            answer = self.wire.receive(deadline=time.monotonic() + START_TIMEOUT_S)
        except TimeoutError:
            return f"did not end its warm-up within {START_TIMEOUT_S:g} s"
        except Unreadable as error:
            return f"said {error} while it started"
        if answer is None:
            return describe_exit(self.stop())
        self.ready = "ready" in answer
        return "" if self.ready else str(answer.get("broken", answer))

    def stop(self) -> int:
        """Kill the child and all that its step started; return its exit code."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.wire.close()
        return self.process.wait()

    def end(self) -> int:
        """Return the exit code of a child whose line is closed, killing it if it lives on."""
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = 0
        self.stop()
        return code


class _Slot:
    child: _Child | None = None


class StepPool:
    """Children that run one step; thread-safe.

    :param step: built-in step or dotted path.
    :param params: the step's parameters.
    :param size: number of children.
    :param limits: per item.
    """

    def __init__(self, *, step: str, params: Mapping[str, Any], size: int, limits: Limits) -> None:
        self._name = step
        self._limits = limits
        self._setup = {"step": step, "params": dict(params), "memory_mb": limits.memory_mb}
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
        """Run the step on one item in a child that is free; waits for one, never raises for the item."""
        slot = self._idle.get()
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
        finally:
            self._idle.put(slot)

    def close(self) -> None:
        """Kill every child, whatever it does."""
        self._closed = True
        for slot in self._slots:
            if slot.child is not None:
                slot.child.stop()
        self._keeper.shutdown(wait=True, cancel_futures=True)

    def _run_in(self, slot: _Slot, task: StepTask) -> StepOutcome:
        child = self._ready_child(slot, task)
        keep = False
        try:
            self._hand_over(child, task)
            answer = self._await(child, task)
            outcome = _read_answer(answer, task)
            keep = outcome.error_class != "MemoryError"  # what is left of its heap is not trusted
            return outcome
        finally:
            if not keep:
                slot.child = None
                child.stop()

    def _hand_over(self, child: _Child, task: StepTask) -> None:
        try:
            child.wire.send(asdict(task), timeout_s=HANDOVER_TIMEOUT_S)
            took = child.wire.receive(deadline=time.monotonic() + HANDOVER_TIMEOUT_S)
        except (OSError, Unreadable):
            raise _DiedIdle from None
        if took != {"took": task.item}:
            raise _DiedIdle

    def _await(self, child: _Child, task: StepTask) -> dict[str, Any]:
        limit = self._limits.timeout_s
        try:
            answer = child.wire.receive(deadline=time.monotonic() + limit)
        except TimeoutError:
            raise StepTimeout(
                f"item {task.item!r}: step {self._name!r} did not end within {limit:g} s and was killed; "
                "raise the job's timeout_s or leave the item out"
            ) from None
        except Unreadable as error:
            raise StepCrashed(
                f"item {task.item!r}: step {self._name!r} broke its process's line: {error}"
            ) from None
        if answer is None:
            raise StepCrashed(
                f"item {task.item!r}: the process of step {self._name!r} {describe_exit(child.end())}; "
                "leave the item out or mend the step"
            )
        return answer

    def _ready_child(self, slot: _Slot, task: StepTask) -> _Child:
        if len(self._failed_starts) >= MAX_FAILED_STARTS and not self._ever_ready:
            raise StepCrashed(f"item {task.item!r}: {self._failed_starts[-1]}")
        child = slot.child or self._keeper.submit(self._fill, slot).result()
        fault = "" if child.ready else child.wait_ready()
        if fault:
            slot.child = None
            child.stop()
            reason = f"the process of step {self._name!r} could not start: {fault}"
            self._failed_starts.append(reason)
            raise StepCrashed(f"item {task.item!r}: {reason}")
        self._ever_ready = True
        return child

    def _fill(self, slot: _Slot) -> _Child:
        if slot.child is None:
            if self._closed:
                raise StepCrashed("the pool is closed")
            slot.child = _Child(self._setup)
        return slot.child


def _read_answer(answer: dict[str, Any], task: StepTask) -> StepOutcome:
    try:
        return StepOutcome(**answer)
    except TypeError:
        raise StepCrashed(
            f"item {task.item!r}: its process answered {str(answer)[:200]}, which is no outcome"
        ) from None
