"""Wait for what happens, not for a time: how every test waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 300.0
"""For whatever comes within seconds on a machine that does nothing else."""


def wait_until(
    look: Callable[[], T | None], *, what: str | Callable[[], str], patience: float = PATIENCE_S,
    every: float = 0.5,
) -> T:  # fmt: skip
    """Return the first true answer of ``look``; raise TimeoutError with ``what`` when none comes.

    :param what: did not come; a function is asked at the end.
    """
    deadline = time.monotonic() + patience
    while True:
        if answer := look():
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what if isinstance(what, str) else what()} within {patience:g} s")
        time.sleep(every)
