"""Which process somebody was: its number alone is given to another one after its end."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")
_GONE = ("Z", "X")


def place() -> str:
    """Name the machine since its start, and its space of process numbers; empty where the system has none."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def started(pid: int) -> str | None:
    """Return when a process of this place was started, in the system's ticks; None when there is none.

    Empty when there is one of which the system says no more: mounted with ``hidepid``, /proc shows each user
    only his own.
    """
    try:
        facts = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return "" if _is_there(pid) else None
    state, *rest = facts.rpartition(")")[2].split()  # the name before it may hold anything
    return None if state in _GONE else rest[18]


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True
