"""Streams of unknown length condensed to the columns of a picture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from beam_jobs.media.audio import Block
from beam_jobs.media.spectrum import Frames


class Condensed:
    """Means of ever longer groups of frames, so that at most twice ``columns`` are kept."""

    def __init__(self, columns: int) -> None:
        self._most = 2 * columns
        self._group = 1
        self._kept: Frames | None = None
        self._pending: Frames | None = None

    def add(self, frames: Frames) -> None:
        """Take in frames of shape (frames, bands)."""
        waiting = frames if self._pending is None else np.concatenate([self._pending, frames])
        whole = len(waiting) // self._group * self._group
        means = waiting[:whole].reshape(-1, self._group, waiting.shape[1]).mean(axis=1)
        self._pending = waiting[whole:]
        self._kept = means if self._kept is None else np.concatenate([self._kept, means])
        while len(self._kept) >= self._most:
            self._halve()

    def result(self) -> Frames:
        """Return shape (columns, bands)."""
        if self._kept is None or self._pending is None:
            return np.zeros((0, 0), np.float32)
        if len(self._pending):
            return np.concatenate([self._kept, self._pending.mean(axis=0, keepdims=True)])
        return self._kept

    def _halve(self) -> None:
        assert self._kept is not None  # noqa: S101
        assert self._pending is not None  # noqa: S101
        even = len(self._kept) // 2 * 2
        odd = np.repeat(self._kept[even:], self._group, axis=0)
        self._pending = np.concatenate([odd, self._pending])
        self._kept = self._kept[:even].reshape(-1, 2, self._kept.shape[1]).mean(axis=1)
        self._group *= 2


class Extremes:
    """Least and greatest sample of every 512, passed by on the way."""

    HOP = 512

    def __init__(self) -> None:
        self._kept: list[npt.NDArray[np.float32]] = []

    def watch(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Yield mono ``blocks`` unchanged."""
        rest = np.zeros(0, np.float32)
        for block in blocks:
            rest = np.concatenate([rest, block[:, 0]])
            whole = len(rest) // self.HOP * self.HOP
            groups = rest[:whole].reshape(-1, self.HOP)
            self._kept.append(np.stack([groups.min(axis=1), groups.max(axis=1)], axis=1))
            rest = rest[whole:]
            yield block
        if len(rest):
            self._kept.append(np.array([[rest.min(), rest.max()]], np.float32))

    def result(self, columns: int) -> npt.NDArray[np.float32]:
        """Return shape (at most ``columns``, 2): least and greatest."""
        pairs = np.concatenate(self._kept)
        starts = np.unique(np.linspace(0, len(pairs), columns, endpoint=False).astype(np.int64))
        return np.stack(
            [np.minimum.reduceat(pairs[:, 0], starts), np.maximum.reduceat(pairs[:, 1], starts)], axis=1
        )
