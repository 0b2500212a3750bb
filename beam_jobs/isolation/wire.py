"""What parent and child say to each other: one JSON object a line over a socket pair.

JSON and not pickle, because a child that went wrong must not be able to do more than say something
unreadable. Every read and write has a deadline.
"""

from __future__ import annotations

import json
import socket
import time
from typing import Any

MAX_LINE = 1 << 20


class Unreadable(ValueError):
    """The other side said something that is no message."""


class Wire:
    """One end of a socket pair.

    :param sock: the connected socket; closed with this.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = bytearray()

    def send(self, message: dict[str, Any], *, timeout_s: float | None = None) -> None:
        """Send one message; raises OSError when the other side is gone or does not read in time."""
        self._sock.settimeout(timeout_s)
        self._sock.sendall(json.dumps(message).encode() + b"\n")

    def receive(self, *, deadline: float | None = None) -> dict[str, Any] | None:
        """Return the next message, or None when the other side is gone.

        :param deadline: an instant of :func:`time.monotonic`.
        :raises TimeoutError: at the deadline.
        :raises Unreadable: for anything that is not a JSON object.
        """
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > MAX_LINE:
                raise Unreadable(f"more than {MAX_LINE} bytes without an end of line")
            chunk = self._read(deadline)
            if not chunk:
                return None
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            message = json.loads(line)
        except ValueError as error:
            raise Unreadable(f"not JSON: {line[:80]!r}") from error
        if not isinstance(message, dict):
            raise Unreadable(f"not an object: {line[:80]!r}")
        return message

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def _read(self, deadline: float | None) -> bytes:
        if deadline is None:
            self._sock.settimeout(None)
        else:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
        try:
            return self._sock.recv(65536)
        except TimeoutError:
            raise
        except OSError:  # the other side is gone, or this end was closed meanwhile
            return b""
