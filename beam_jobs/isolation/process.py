"""One child process of the pool, as its parent sees it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from beam_jobs.isolation.death import describe_exit, kill_marked
from beam_jobs.isolation.tally import Tally
from beam_jobs.isolation.wire import Unreadable, Wire

START_TIMEOUT_S = 300.0
"""Imports and warm-up of one child; compiling a cold codebase on a slow disk takes a minute."""

HANDOVER_TIMEOUT_S = 60.0
"""From sending a task until the child must have taken it; a swapping machine is slow."""

END_TIMEOUT_S = 5.0
"""From the end of a child's line to its own."""

MARK = "BEAM_MEDIA_CHILD"
"""Environment variable by which a child's offspring is known, whatever it does."""

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

_KEEP_HEAP = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}
"""For a child that keeps decoded audio from step to step: glibc would give the memory back after each item
and ask for it again, page by page."""


class ChildProcess:
    """One child process and its line."""

    def __init__(self, setup: dict[str, Any]) -> None:
        ours, theirs = socket.socketpair()
        self._tally = Tally()
        self._mark = uuid.uuid4().hex
        self._scratch = _new_scratch()
        self._furniture: set[str] = set()
        with theirs:
            boot = str(Path(__file__).with_name("boot.py"))
            files = [theirs.fileno(), self._tally.fileno()]
            argv = [sys.executable, "-P", boot, json.dumps(sys.path), *map(str, files), str(os.getpid())]
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a step prints must not mix with the events on our standard output
                pass_fds=files,
                env={
                    **dict.fromkeys(_ONE_THREAD, "1"),
                    **(_KEEP_HEAP if setup["share_mb"] else {}),
                    **os.environ,
                    MARK: self._mark,
                },  # one child per core: no threads inside
                process_group=0,  # so that what the step started can be killed with it
            )
        self.wire = Wire(ours)
        self.ready = False
        with suppress(OSError):
            self.wire.send({**setup, "scratch": self._scratch}, timeout_s=HANDOVER_TIMEOUT_S)

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
        self._furniture = self._files()
        return "" if self.ready else str(answer.get("broken", answer))

    def hand(self, message: dict[str, Any]) -> None:
        """Send a task; raises OSError when the child is gone or does not read."""
        self._tally.handed += 1
        self.wire.send(message, timeout_s=HANDOVER_TIMEOUT_S)

    def took_it(self) -> bool:
        """Tell whether the child took the last task."""
        return self._tally.is_even()

    def has_litter(self) -> bool:
        """Tell whether there are temporary files that were not there after the warm-up."""
        return not self._files() <= self._furniture

    def stop(self) -> int:
        """Kill the child and all that its step started, remove its temporary files; return its exit code."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.wire.close()
        self._tally.close()
        code = self.process.wait()
        kill_marked(f"{MARK}={self._mark}")
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        return code

    def end(self) -> str:
        """Say how a child ended whose line is closed, killing it if it lives on."""
        try:
            code = self.process.wait(timeout=END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.stop()
            return "closed its line to its parent and was killed"
        self.stop()
        return describe_exit(code)

    def _files(self) -> set[str]:
        try:
            return {path.name for path in Path(self._scratch).iterdir()} if self._scratch else set()
        except OSError:
            return set()


def _new_scratch() -> str | None:
    """Make a folder for the temporary files of a child; None where none can be made."""
    try:
        return tempfile.mkdtemp(prefix="media-step-")
    except OSError:
        return None
