"""The outer guard: a worker in which nothing ends any more must end itself.

Every item has its limit, but storage can hang in the kernel, where no thread can be stopped.
"""

from __future__ import annotations

import os
import sys
import threading

from beam_jobs.contract.launch import Limits
from beam_jobs.isolation.process import HANDOVER_TIMEOUT_S, START_TIMEOUT_S
from beam_jobs.pipelines.crew import Staffed

STORAGE_S = 900.0
"""What fetch and write of one item may take together."""

LOOK_EVERY_S = 5.0
EXIT_CODE = 2


def patience_s(limits: Limits) -> float:
    """Return how long one item may take at the very most, storage's share included."""
    return 2 * (limits.timeout_s + START_TIMEOUT_S + HANDOVER_TIMEOUT_S) + STORAGE_S * limits.attempts


class Watchdog:
    """Ends this process when items are in work and none of them ends for longer than one may take.

    :param crew: whom to watch; None watches nobody.
    """

    def __init__(self, crew: Staffed | None, *, limits: Limits) -> None:
        self._crew = crew
        self._limit = patience_s(limits)
        self._over = threading.Event()

    def __enter__(self) -> None:
        if self._crew is not None:
            args = (self._crew,)
            threading.Thread(target=self._watch, args=args, name="watchdog", daemon=True).start()

    def __exit__(self, *exception: object) -> None:
        self._over.set()

    def _watch(self, crew: Staffed) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            silent = crew.silent_s()
            if silent > self._limit:
                print(
                    f"could not go on: no item ended for {silent:.0f} s (storage hangs?); "
                    "run it again and it goes on where it was",
                    file=sys.stderr,
                    flush=True,
                )
                os._exit(EXIT_CODE)  # an ordinary exit would wait for the thread that hangs
