"""A pause before a deferred task may go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine

SETTLE_S = 10.0
"""How long a task stays deferred at least. The scheduler of Airflow 3.3 takes a task for killed when it hears
that the deferring process ended only after the task went on (apache/airflow#71580, #72716)."""


def settling() -> Callable[[], Coroutine[None, None, None]]:
    """Start the clock; what is returned waits until a task that deferred now may go on."""
    until = time.monotonic() + SETTLE_S

    async def settle() -> None:
        await asyncio.sleep(max(until - time.monotonic(), 0.0))

    return settle
