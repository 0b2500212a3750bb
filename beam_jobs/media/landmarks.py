"""Landmarks of sound: points of the spectrogram that stand out, and stay where they are when it is encoded.

After A. Wang, "An industrial-strength audio search algorithm", ISMIR 2003: local maxima of the spectrogram;
two of them make a hash of their frequencies and the time between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter

from beam_jobs.media.audio import Block
from beam_jobs.media.spectrum import decibels, power_frames

RATE: Final = 8000
N_FFT: Final = 1024
HOP: Final = 256

_FRAMES_AROUND: Final = 6
_BINS_AROUND: Final = 10
_LOWEST_BIN: Final = 8
_QUIETEST_DB: Final = -30.0
"""Of the power of a frame's bin: about -80 dBFS of a sine."""

_PIECE: Final = 1024
"""So many frames are searched at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Landmarks:
    """Points in the order of time, then frequency.

    :param frames: of :data:`HOP` samples at :data:`RATE`.
    :param bins: of a transform of :data:`N_FFT`.
    """

    frames: npt.NDArray[np.uint32]
    bins: npt.NDArray[np.uint16]


def find_landmarks(blocks: Iterator[Block]) -> Landmarks:
    """Find the landmarks of a mono stream at :data:`RATE`."""
    found = list(_found(power_frames(blocks, N_FFT, HOP)))
    frames, bins = (
        np.concatenate([part[axis] for part in found]) if found else np.zeros(0) for axis in (0, 1)
    )
    return Landmarks(frames=frames.astype(np.uint32), bins=bins.astype(np.uint16))


def _found(spectra: Iterator[npt.NDArray[np.float32]]) -> Iterator[tuple[npt.NDArray[np.int64], ...]]:
    """Yield frames and bins of maxima, each piece with its surroundings on both sides."""
    margin = 2 * _FRAMES_AROUND
    kept = np.zeros((0, N_FFT // 2 + 1), np.float32)
    first = done = 0
    for power in spectra:
        kept = np.concatenate([kept, decibels(power)])
        while len(kept) >= _PIECE + 2 * margin:
            ready = first + len(kept) - margin
            yield _maxima(kept, first, done, ready)
            done = ready
            drop = len(kept) - 2 * margin
            kept, first = kept[drop:], first + drop
    if len(kept):
        yield _maxima(kept, first, done, first + len(kept))


def _maxima(
    level: npt.NDArray[np.float32], first: int, begin: int, end: int
) -> tuple[npt.NDArray[np.int64], ...]:
    """Return the maxima of the frames ``begin`` to ``end``; ``level`` begins at ``first``."""
    around = maximum_filter(level, (2 * _FRAMES_AROUND + 1, 2 * _BINS_AROUND + 1), mode="constant", cval=-200)
    heard = (level == around) & (level > _QUIETEST_DB)
    heard[:, :_LOWEST_BIN] = False
    frames, bins = np.nonzero(heard[begin - first : end - first])
    return frames + begin, bins
