"""Processes that cannot outlive the test: a session each, ended as a group, gone with their parent."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import psutil


def as_child(command: Sequence[str], *, user: int | None = None, group: int | None = None) -> list[str]:
    """Return ``command`` so that the kernel ends it with who starts it, run by ``user`` where one is given.

    By setpriv of util-linux (Linux): what Popen has for both, ``preexec_fn`` and ``user``, forks, and now and
    then gRPC's fork handlers wait without an end for a lock that another thread held.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if user is not None:
            raise RuntimeError("needs setpriv, of util-linux, to start a program as another user")
        return list(command)
    other = [] if user is None else [f"--reuid={user}", f"--regid={group}", "--clear-groups"]
    return [setpriv, "--pdeathsig=TERM", *other, "--", *command]


def start_process(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str],
    cwd: Path,
    user: int | None = None,
    group: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start ``command`` in a session of its own with all that it prints in the file ``log``."""
    with log.open("ab") as stream:
        return subprocess.Popen(
            as_child(command, user=user, group=group),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )


def stop_groups(processes: Iterable[subprocess.Popen[bytes]], *, patience: float = 20.0) -> None:
    """Ask every process group to end, all at once, and kill what has not after ``patience`` seconds."""
    running = list(processes)
    for process in running:
        _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + patience
    for process in running:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(0.1, deadline - time.monotonic()))
    for process in running:
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the group, which may live on after its leader: that is why the leader's end is not looked at."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def processes_with(variable: str, value: str) -> list[psutil.Process]:
    """Return every process whose environment holds ``variable=value``, this one excepted.

    Sessions, daemons and re-parented grandchildren keep the environment, so nothing escapes this look.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(variable) == value:
                found.append(process)
    return found


def kill_all(processes: Sequence[psutil.Process]) -> None:
    """Kill processes that were asked to end and did not."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


def kill_until_none(left: Callable[[], Sequence[psutil.Process]]) -> None:
    """Kill what is ``left`` until nothing is: one that is asked for its children may have had more since."""
    deadline = time.monotonic() + 30
    while (processes := left()) and time.monotonic() < deadline:
        kill_all(processes)
