"""How many tasks a child took, in a few bytes that it shares with its parent.

Not a message: it would wake the parent once more for each item, and the parent only wants to know when
something went wrong.
"""

from __future__ import annotations

import os
import tempfile
from typing import BinaryIO, Final

_BYTES: Final = 8


class Tally:
    """The parent's side: counts what it handed over, and reads what the child took."""

    def __init__(self) -> None:
        self.handed = 0
        self._file = _new_file()

    def fileno(self) -> int:
        """Return the file that the child is to have."""
        return self._file.fileno()

    def is_even(self) -> bool:
        """Tell whether the child took as many as it was handed; yes, too, once this is closed."""
        try:
            taken = os.pread(self.fileno(), _BYTES, 0)
        except (OSError, ValueError):  # who waits for a child is told that it was stopped
            return True
        return int.from_bytes(taken, "little") == self.handed

    def close(self) -> None:
        """Close the file; the child has its own."""
        self._file.close()


class Taken:
    """The child's side.

    :param fd: the file of the parent's :class:`Tally`.
    """

    def __init__(self, fd: int) -> None:
        self._fd, self._count = fd, 0

    def one_more(self) -> None:
        """Write down that a task was taken."""
        self._count += 1
        os.pwrite(self._fd, self._count.to_bytes(_BYTES, "little"), 0)


def _new_file() -> BinaryIO:
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("tally"), "r+b", buffering=0)  # noqa: PTH123 - a descriptor
    return tempfile.TemporaryFile(buffering=0)
