"""Read several iterators at the same time, in threads, and give what they give as it comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Full, Queue
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 0.1
"""How often a thread that waits looks whether anybody still listens."""


def at_once(sources: Sequence[Callable[[], Iterator[T]]], *, workers: int) -> Iterator[T]:
    """Yield everything that the sources give, in any order; at most ``2 * workers`` things wait.

    The first error of a source is raised, and the others end soon; so they do when nobody asks for more.

    :param workers: sources that are read at a time.
    """
    found: Queue[T] = Queue(maxsize=2 * workers)
    stop = threading.Event()

    def read(source: Callable[[], Iterator[T]]) -> None:
        for thing in source():
            while not stop.is_set():
                try:
                    found.put(thing, timeout=PATIENCE_S)
                    break
                except Full:
                    continue
            if stop.is_set():
                return

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(read, source) for source in sources]
        try:
            while True:
                # Asked before the queue is: what the last thread has put is there when it is done.
                over = all(future.done() for future in futures)
                failed = next((f for f in futures if f.done() and f.exception() is not None), None)
                if failed is not None:
                    failed.result()
                try:
                    yield found.get(timeout=0 if over else PATIENCE_S)
                except Empty:
                    if over:
                        return
        finally:
            stop.set()
            for future in futures:
                future.cancel()
