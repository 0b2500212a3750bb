"""Hashes of pairs of landmarks: what is looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from beam_jobs.media.landmarks import Landmarks

_PAIRS: Final = 8
_AHEAD: Final = 60
"""A landmark is paired with no more than so many of the next ones, far fewer of which are near enough."""

_FRAMES: Final = (2, 62)
_BINS: Final = 127
_DISTANCE_BITS, _STEP_BITS = 6, 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hashes:
    """Hashes, and the frame of the first landmark of each."""

    values: npt.NDArray[np.uint32]
    frames: npt.NDArray[np.uint32]


def hashes_of(landmarks: Landmarks, *, slack: int = 0) -> Hashes:
    """Hash every landmark with up to eight later ones within two seconds and a kilohertz.

    :param slack: make hashes, too, for distances in time of so many frames less and more: noise and coding
        move a maximum to the next frame.
    """
    frames, bins = landmarks.frames.astype(np.int64), landmarks.bins.astype(np.int64)
    pairs = np.zeros(len(frames), np.int64)
    found: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]] = [(np.zeros(0, np.int64),) * 2]
    for ahead in range(1, min(_AHEAD, len(frames) - 1) + 1):
        apart, step = frames[ahead:] - frames[:-ahead], bins[ahead:] - bins[:-ahead]
        good = (apart >= _FRAMES[0]) & (apart <= _FRAMES[1]) & (np.abs(step) <= _BINS)
        first = np.flatnonzero(good & (pairs[:-ahead] < _PAIRS))
        pairs[first] += 1
        base = (bins[first] << (_STEP_BITS + _DISTANCE_BITS)) | ((step[first] + _BINS) << _DISTANCE_BITS)
        found += [(base | (apart[first] + moved), frames[first]) for moved in range(-slack, slack + 1)]
    values, at = (np.concatenate([part[axis] for part in found]).astype(np.uint32) for axis in (0, 1))
    return Hashes(values=values, frames=at)
