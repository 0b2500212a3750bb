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

from beam_jobs.media.audio import Block
from beam_jobs.media.landmark_kernel import greatest_around
from beam_jobs.media.spectrum import decibels, power_frames

RATE: Final = 8000
N_FFT: Final = 1024
HOP: Final = 256

_FRAMES_AROUND: Final = 6
_BINS_AROUND: Final = 10
_LOWEST_BIN: Final = 8
_QUIETEST_DB: Final = np.float32(-30.0)
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
    kept: list[npt.NDArray[np.float32]] = []
    there = first = done = 0
    for power in spectra:
        kept.append(decibels(power))
        there += len(power)
        if there >= _PIECE + 2 * margin:
            level = np.concatenate(kept)
            ready = first + there - margin
            yield _maxima(level, first, done, ready)
            done = ready
            kept, first, there = [level[-2 * margin :]], first + there - 2 * margin, 2 * margin
    if there:
        yield _maxima(np.concatenate(kept), first, done, first + there)


def _maxima(
    level: npt.NDArray[np.float32], first: int, begin: int, end: int
) -> tuple[npt.NDArray[np.int64], ...]:
    """Return the maxima of the frames ``begin`` to ``end``; ``level`` begins at ``first``."""
    heard = greatest_around(level, _QUIETEST_DB, _LOWEST_BIN, _FRAMES_AROUND, _BINS_AROUND)
    frames, bins = np.nonzero(heard[begin - first : end - first])
    return frames + begin, bins
