"""Frames that are kept until the last is known, on disk when they are many."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_IN_MEMORY_BYTES: Final = 32 << 20
_PIECE_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """An array that is made piece by piece, along its first axis.

    :param pieces: called for the pieces, in order; together they have ``shape``.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pieces: Callable[[], Iterator[Array]]


class Spool:
    """Rows of ``width`` float32 numbers: appended one block after the other, read again from the first.

    :param folder: for the temporary file that takes what is more than 32 MB; it has no name there.
    """

    def __init__(self, folder: Path, width: int) -> None:
        self._file: tempfile.SpooledTemporaryFile[bytes]
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES, dir=str(folder))  # noqa: SIM115
        self._width = width
        self.rows = 0

    def append(self, frames: npt.NDArray[np.float32]) -> None:
        """Keep ``frames``, shape (frames, width)."""
        self._file.write(np.ascontiguousarray(frames, np.float32).tobytes())
        self.rows += len(frames)

    def streamed(
        self,
        *,
        width: int | None = None,
        dtype: Any = np.float32,
        finish: Callable[[Array], Array] | None = None,
    ) -> Streamed:
        """Return all rows as one array.

        :param width: of the rows that ``finish`` makes; default that of the spool.
        :param finish: what is done to each block of rows as it is read.
        """
        dtype = np.dtype(dtype)

        def pieces() -> Iterator[Array]:
            for block in self._blocks():
                yield (finish(block) if finish else block).astype(dtype, copy=False)

        return Streamed(
            shape=(self.rows, self._width if width is None else width), dtype=dtype, pieces=pieces
        )

    def _blocks(self) -> Iterator[npt.NDArray[np.float32]]:
        self._file.seek(0)
        row = 4 * self._width
        size = max(1, _PIECE_BYTES // row) * row
        while content := self._file.read(size):
            yield np.frombuffer(content, np.float32).reshape(-1, self._width)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
