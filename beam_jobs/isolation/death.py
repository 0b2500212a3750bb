"""How processes end: with their parent, and in words."""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


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
    hints = {"SIGKILL": " (perhaps the machine ran out of memory)", "SIGSEGV": " (a fault in native code)"}
    return f"was killed by {name}{hints.get(name, '')}"


def limit_memory(extra_mb: int) -> None:
    """Let this process's address space grow by ``extra_mb`` from where it is now, and no more."""
    import resource
    from pathlib import Path

    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:  # no /proc: the limit then holds for all that the process uses
        pages = 0
    limit = pages * resource.getpagesize() + extra_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
