"""The search for landmarks, compiled: a point is dropped at the first greater one around it."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True)
def greatest_around(level: Any, quietest: Any, lowest: int, frames_around: int, bins_around: int) -> Any:
    """Tell which points are the greatest of their surroundings, which end where the spectra end.

    :param level: float32, shape (frames, bins).
    :param quietest: float32; what is not above it is none.
    :param lowest: the first bin that can be one.
    :return: bool, of the shape of ``level``; of equal points each is one.
    """
    frames, bins = level.shape
    found = np.zeros((frames, bins), np.bool_)
    perhaps = np.zeros(bins, np.bool_)
    for frame in range(frames):
        here, before, after = level[frame], level[max(frame - 1, 0)], level[min(frame + 1, frames - 1)]
        # Nearly all that is none has a greater point beside it; without branches, many are seen at once.
        for bin in range(lowest, bins - 1):
            value = here[bin]
            perhaps[bin] = (
                (value > quietest)
                & (here[bin - 1] <= value)
                & (here[bin + 1] <= value)
                & (before[bin] <= value)
                & (after[bin] <= value)
            )
        perhaps[bins - 1] = here[bins - 1] > quietest
        first, last = max(0, frame - frames_around), min(frames, frame + frames_around + 1)
        for bin in range(lowest, bins):
            if perhaps[bin]:
                around = level[first:last, max(0, bin - bins_around) : bin + bins_around + 1]
                found[frame, bin] = _holds(around, here[bin])
    return found


@numba.njit(cache=True)
def _holds(around: Any, here: Any) -> bool:
    """Tell whether no point around is greater."""
    for frame in range(len(around)):
        greatest = here
        for bin in range(around.shape[1]):
            greatest = max(greatest, around[frame, bin])
        if greatest > here:
            return False
    return True
