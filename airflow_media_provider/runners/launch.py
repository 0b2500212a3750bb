"""Start the worker process and follow what it says.

Only standard library: the worker's packages may live in another interpreter than Airflow's.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_media_provider.errors import LaunchError
from airflow_media_provider.runners.worker_path import worker_environ
from beam_jobs.contract.events import decode_event

OnEvent = Callable[[dict[str, Any]], None]
OnLine = Callable[[str], None]

GRACE_S = 10.0
"""Seconds between asking a worker to stop and making it stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchResult:
    """How a worker process ended.

    :param exit_code: 0 when its reports are complete; negative for a signal.
    :param last_line: the last thing it said, usually why it could not run.
    :param job_id: a remote runner's id of the job that was submitted last.
    """

    exit_code: int
    last_line: str
    job_id: str | None = None


class Worker:
    """A running worker process and all that it started, in a process group of its own."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,  # two pipes would need two readers, or deadlock
                env=dict(env),
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise LaunchError(
                f"cannot start the worker with {command[0]}: {error}; give the interpreter that has Beam"
            ) from error

    def lines(self) -> Any:
        """Yield what the worker says, line by line, until it ends."""
        assert self._process.stdout is not None  # noqa: S101 - PIPE above
        for line in self._process.stdout:
            yield line.rstrip("\n")

    def wait(self) -> int:
        """Return the exit code once the worker has ended."""
        return self._process.wait()

    def kill(self) -> None:
        """Ask the worker to stop, and after a while make it; what it finished stays.

        Safe in a signal handler: a wait without an end there could wait for the code that it interrupted.
        """
        self._signal(signal.SIGINT)
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def launch(
    specs: Sequence[str],
    *,
    python: str,
    on_event: OnEvent,
    on_line: OnLine,
    deadline: float | None = None,
    env: Mapping[str, str] | None = None,
    wait: bool = True,
    module: str = "beam_jobs.run",
    on_start: Callable[[Worker], None] = lambda worker: None,
) -> LaunchResult:
    """Run the jobs of ``specs`` one after the other in one worker process, to its end.

    Whatever ends this call early ends the worker too, and the kernel does so when this process is killed.

    :param specs: URIs of launch specs.
    :param python: interpreter that has the worker's packages.
    :param on_event: called with each event (:mod:`beam_jobs.contract.events`).
    :param on_line: called with every other line.
    :param deadline: seconds after which the worker is stopped.
    :param env: the worker's environment instead of this process's.
    :param wait: False = leave a remote job as soon as it is submitted.
    :param module: the worker's entry point.
    :param on_start: is given the worker, so that another thread or a signal can kill it.
    :raises LaunchError: when the worker cannot start or passes the deadline.
    """
    options = [] if wait else ["--no-wait"]
    command = [python, "-m", module, f"--parent={os.getpid()}", *options, *specs]
    worker = Worker(command, worker_environ(os.environ if env is None else env))
    late = threading.Event()
    timer = _timer(deadline, worker, late)
    last_line, job_id = "", None
    try:
        on_start(worker)
        for line in worker.lines():
            event = decode_event(line)
            if event is None:
                last_line = line.strip() or last_line
                on_line(line)
            else:
                job_id = event.get("job_id") or job_id
                on_event(event)
        exit_code = worker.wait()
    except BaseException:
        worker.kill()
        worker.wait()
        raise
    finally:
        if timer is not None:
            timer.cancel()
    if late.is_set():
        raise LaunchError(f"the worker was stopped after {deadline:g} s: {' '.join(specs)}")
    return LaunchResult(exit_code=exit_code, last_line=last_line, job_id=job_id)


def _timer(deadline: float | None, worker: Worker, late: threading.Event) -> threading.Timer | None:
    if deadline is None:
        return None

    def stop() -> None:
        late.set()
        worker.kill()

    timer = threading.Timer(deadline, stop)
    timer.daemon = True
    timer.start()
    return timer
