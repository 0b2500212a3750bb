"""Free ports on the loopback interface."""

from __future__ import annotations

import contextlib
import random
import socket

BELOW_OUTGOING = range(15_000, 32_000)
TRIES = 500


def free_ports(count: int) -> list[int]:
    """Return ``count`` different ports that were free a moment ago.

    They lie below those that the kernel gives to connections that go out, one of which might have taken a
    port until the server that shall listen there has started.
    """
    found: list[int] = []
    for port in random.sample(BELOW_OUTGOING, TRIES):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"no {count} free ports among {TRIES} of {BELOW_OUTGOING}")
