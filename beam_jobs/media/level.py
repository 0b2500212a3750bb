"""Level of the parts of a stream."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from beam_jobs.media.audio import Block

SILENCE_DBFS = -120.0


def segment_power(
    blocks: Iterator[Block], boundaries: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the sum of squares and the number of frames of each segment of a stream.

    Channels are averaged as power, so that opposite phases do not cancel.

    :param boundaries: increasing frame numbers b1 .. bn; the segments are [0, b1), [b1, b2), .. [bn, end).
    :return: two arrays of shape (n + 1,).
    """
    power = np.zeros(len(boundaries) + 1)
    frames = np.zeros(len(boundaries) + 1, np.int64)
    start = 0
    for block in blocks:
        squares = np.einsum("ij,ij->i", block, block, dtype=np.float64) / block.shape[1]
        end = start + len(block)
        first, last = np.searchsorted(boundaries, [start, end - 1], side="right")
        cuts = np.concatenate([[0], boundaries[first:last] - start, [len(block)]])
        so_far = np.concatenate([[0.0], np.cumsum(squares)])
        power[first : last + 1] += np.diff(so_far[cuts])
        frames[first : last + 1] += np.diff(cuts)
        start = end
    return power, frames


def level_dbfs(mean_square: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return ``10 log10(mean square)``, at least -120: a full-scale sine has -3.01 dBFS."""
    level: npt.NDArray[np.float64] = 10 * np.log10(np.maximum(mean_square, 10 ** (SILENCE_DBFS / 10)))
    return level


class PowerSum:
    """RMS level of a stream, all channels together."""

    def __init__(self) -> None:
        self._squares = 0.0
        self._count = 0

    def add(self, block: Block) -> None:
        """Take in a block of shape (frames, channels)."""
        self._squares += float(np.square(block, dtype=np.float64).sum())
        self._count += block.size

    def rms_dbfs(self) -> float:
        """Return the level relative to a mean square of 1."""
        return float(level_dbfs(np.array([self._squares / max(1, self._count)]))[0])
