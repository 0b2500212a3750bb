"""The child's side of the pool: runs its steps on one item after the other until its parent is gone."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from beam_jobs.contract.errors import MediaJobError, StorageError
from beam_jobs.contract.step import Step, load_step
from beam_jobs.isolation.compiled import claim_cache
from beam_jobs.isolation.death import die_with_parent, leave_no_core, limit_memory
from beam_jobs.isolation.result import store_result
from beam_jobs.isolation.tally import Taken
from beam_jobs.isolation.wire import Wire
from beam_jobs.media import share
from beam_jobs.media.call import StepCall
from beam_jobs.storage.refusal import DISK_FULL, explain, is_refusal

MAX_MESSAGE = 2000
MAX_TRACEBACKS = 3
"""How many unexpected exceptions one child prints whole; a broken step fails on every item."""


def serve(*, fd: int, tally: int, parent: int) -> None:
    """Serve the parent at the other end of ``fd``; returns when it closes its end.

    :param tally: where to write down how many tasks were taken.
    """
    die_with_parent(parent)
    leave_no_core()
    for ours in (fd, tally):  # a process that the step starts must not keep our line open
        os.set_inheritable(ours, False)
    wire = Wire(socket.socket(fileno=fd))
    setup = wire.receive()
    if setup is None:
        return
    with suppress(ConnectionError):  # a parent that is gone needs no answer
        try:
            steps = _warm_up(setup)
        except BaseException as error:
            wire.send({"broken": f"{type(error).__name__}: {error}"[:MAX_MESSAGE]})
            return
        wire.send({"ready": True})
        _Server(steps, Taken(tally)).run(wire)


def _warm_up(setup: dict[str, Any]) -> list[tuple[Step, Any]]:
    import faulthandler

    faulthandler.enable()
    claim_cache()
    _use_scratch(setup["scratch"])
    steps = []
    for name, values in setup["steps"]:
        step = load_step(name)
        steps.append((step, step.parse_params(values)))
        if step.warm_up is not None:
            step.warm_up()
    share.allow(setup["share_mb"] << 20)
    if setup["memory_mb"] is not None:
        limit_memory(setup["memory_mb"])
    return steps


def _use_scratch(folder: str | None) -> None:
    """Have temporary files made in ``folder``, which the parent removes when this process is gone."""
    if folder is None:
        return
    os.environ["TMPDIR"] = tempfile.tempdir = folder


class _Server:
    def __init__(self, steps: list[tuple[Step, Any]], taken: Taken) -> None:
        self._steps, self._taken = steps, taken
        self._pid = os.getpid()
        self._tracebacks = 0

    def run(self, wire: Wire) -> None:
        while (task := wire.receive()) is not None:
            self._taken.one_more()
            answer = self._answer(task)
            self._end_copy()
            wire.send(answer)

    def _end_copy(self) -> None:
        """End this process when a step forked and it is the copy: it has neither our line nor our file."""
        if os.getpid() != self._pid:
            os._exit(0)

    def _answer(self, task: dict[str, Any]) -> dict[str, Any]:
        call = StepCall(
            item=task["item"],
            inputs={name: Path(path) for name, path in task["inputs"].items()},
            output=Path(task["output"]),
            child_suffix=task["child_suffix"],
            keep=frozenset(task["keep"]),
            output_is_read=task["output_is_read"],
        )
        share.only(task["item"])
        wall, cpu = time.perf_counter(), time.process_time()
        answer: dict[str, Any] = {}
        try:
            self._run_and_store(call, *self._steps[task["use"]])
        except BaseException as error:  # SystemExit and KeyboardInterrupt are a step's fault as well
            answer = self._failure(call, error)
        _account_rest(call, time.perf_counter() - wall, time.process_time() - cpu)
        answer |= {
            "seconds": call.seconds,
            "cpu_seconds": call.cpu_seconds,
            "media_seconds": call.media_seconds,
            "children": call.children,
        }
        return answer

    def _run_and_store(self, call: StepCall, step: Step, params: Any) -> None:
        if step.run is None:
            raise MediaJobError(f"step {step.name!r} has no function to run")
        result = step.run(call, params)
        self._end_copy()
        with call.stage("encode"):
            store_result(result, call.output, item=call.item)

    def _failure(self, call: StepCall, error: BaseException) -> dict[str, Any]:
        if not isinstance(error, MediaJobError) and self._tracebacks < MAX_TRACEBACKS:
            self._tracebacks += 1
            traceback.print_exception(error, file=sys.stderr)
        name, message = _describe(call, error)
        return {"error_class": name, "message": message[:MAX_MESSAGE], "stage": call.current_stage}


def _describe(call: StepCall, error: BaseException) -> tuple[str, str]:
    """Return the error's class and a message that names the item and what to do."""
    text = str(error) or type(error).__name__
    if is_refusal(error, call.output.parent):
        reason = explain(error) if isinstance(error, OSError) else f"{DISK_FULL} ({text})"
        return "StorageError", f"item {call.item!r}: {reason}"
    if isinstance(error, MediaJobError):
        if isinstance(error, StorageError) and isinstance(error.__cause__, OSError):
            text = f"{text} ({explain(error.__cause__)})"
        # What reads files knows no items.
        return type(error).__name__, text if repr(call.item) in text else f"item {call.item!r}: {text}"
    if isinstance(error, MemoryError):
        advice = "raise the job's memory_mb or leave the item out"
        return "MemoryError", f"item {call.item!r}: out of memory ({text}); {advice}"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
    return type(error).__name__, f"item {call.item!r}: {text} (raised at {place})"


def _account_rest(call: StepCall, wall: float, cpu: float) -> None:
    """Give what no stage accounted for to the stage ``step``; nested stages count twice, so not below 0."""
    for spent, total in ((call.seconds, wall), (call.cpu_seconds, cpu)):
        if "step" not in spent:
            spent["step"] = max(0.0, total - sum(spent.values()))
