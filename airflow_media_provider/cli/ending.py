"""Signals that end what serves without end: the first asks it to finish, the next one to stop at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C; and what systemd, Docker and Kubernetes send first."""

STOP = 2
"""The signal of this number asks to stop at once."""


@contextmanager
def ended_by_signals(ask: Callable[[bool], None]) -> Iterator[None]:
    """Have signals ask for an end instead of ending this process.

    :param ask: is told whether to stop at once. It runs in a thread of its own: a handler cannot wait for
        storage, nor print where it may have interrupted a print.
    :raises KeyboardInterrupt: at the third signal, when nothing else has helped.
    """
    asked: SimpleQueue[bool | None] = SimpleQueue()  # safe in a handler that interrupts another one
    count = 0

    def note(number: int, frame: Any) -> None:
        nonlocal count
        count += 1
        if count > STOP:
            raise KeyboardInterrupt
        asked.put(count == STOP)

    def listen() -> None:
        while (at_once := asked.get()) is not None:
            ask(at_once)

    listener = threading.Thread(target=listen, name="ending", daemon=True)
    listener.start()
    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        asked.put(None)
        listener.join(timeout=1)
