"""One child process of the pool, as its parent sees it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from beam_jobs.isolation.death import describe_exit
from beam_jobs.isolation.wire import Unreadable, Wire

START_TIMEOUT_S = 300.0
"""Imports and warm-up of one child; compiling a cold codebase on a slow disk takes a minute."""

HANDOVER_TIMEOUT_S = 60.0
"""From sending a task to the child's word that it took it; a swapping machine is slow."""

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class ChildProcess:
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
