"""How processes end: with their parent, and in words."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_ROUNDS = 20


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends.

    A pipe that closes is not enough: a child that hangs in native code never reads it. Elsewhere than
    on Linux the pipe is all there is.

    :param parent: the process id that the starter had; when it is no longer our parent, it died
        before the kernel could be asked, and we go too.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def describe_exit(code: int) -> str:
    """Say how a process ended.

    :param code: as :attr:`subprocess.Popen.returncode`: negative for a signal.
    """
    if code >= 0:
        return f"ended itself with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hints = {
        "SIGKILL": " (perhaps the machine ran out of memory)",
        "SIGSEGV": " (a fault in native code)",
        "SIGABRT": " (native code gave up, perhaps for lack of memory)",
    }
    return f"was killed by {name}{hints.get(name, '')}"


def limit_memory(extra_mb: int) -> None:
    """Let this process's address space grow by ``extra_mb`` from where it is now, and no more.

    Where the system does not say how large it is, it is not limited: what a process reserves idle differs
    from system to system by more than any item needs.
    """
    import resource
    from pathlib import Path

    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return
    limit = pages * resource.getpagesize() + extra_mb * 2**20
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY or limit < most:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def leave_no_core() -> None:
    """Have no image of this process written when it dies: a list of bad files would fill the disk."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def kill_marked(mark: str) -> None:
    """Kill every process that has ``mark`` in the environment that it was started with.

    A process group is not enough: what a step starts can leave its group and its session. Elsewhere than on
    Linux nobody is found.

    :param mark: ``NAME=value``.
    """
    for _ in range(_ROUNDS):  # as long as new ones come
        found = [pid for pid in _process_ids() if pid != os.getpid() and _is_marked(pid, mark.encode())]
        if not found:
            return
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)  # what is killed takes a moment to go


def _process_ids() -> list[int]:
    try:
        with os.scandir("/proc") as entries:
            return [int(entry.name) for entry in entries if entry.name.isdigit()]
    except OSError:
        return []


def _is_marked(pid: int, mark: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - each of hundreds
            return mark in file.read().split(b"\0")
    except OSError:  # gone, or another user's; a zombie's is empty
        return False
