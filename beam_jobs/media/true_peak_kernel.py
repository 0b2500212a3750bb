"""The inner loop of the true peak, compiled: interpolate only where a greater peak can be."""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np

ROW: Final = 32
"""So many neighbours are interpolated at once, in the processor's wide registers."""


# The greatest is found in any order, for every sample is a number; sums keep their order.
@numba.njit(cache=True, fastmath={"nnan", "nsz", "contract"})
def greatest_between(samples: Any, phases: Any, gain: Any, known: Any) -> Any:
    """Return the greatest magnitude at the three places between samples, or ``known`` when that is greater.

    Whole rows of places are interpolated; what is left at the end is for the next call.

    :param samples: float32, one channel.
    :param phases: the filters, float32, shape (3, taps).
    :param gain: the most by which a filter can lift the greatest sample in its reach; float32, as ``known``.
    :param known: a peak that was found already; what cannot pass it is not interpolated.
    """
    taps = phases.shape[1]
    early, middle, late = (np.empty(ROW, np.float32), np.empty(ROW, np.float32), np.empty(ROW, np.float32))
    for start in range(0, len(samples) - taps - ROW + 2, ROW):
        window = samples[start : start + ROW + taps - 1]
        reach = np.float32(0)
        for place in range(ROW + taps - 1):
            reach = max(reach, abs(window[place]))
        if reach * gain <= known:
            continue
        early[:] = 0
        middle[:] = 0
        late[:] = 0
        for tap in range(taps):
            part = window[tap : tap + ROW]
            first, second, third = phases[0, tap], phases[1, tap], phases[2, tap]
            for place in range(ROW):
                sample = part[place]
                early[place] += first * sample
                middle[place] += second * sample
                late[place] += third * sample
        greatest = np.float32(0)
        for place in range(ROW):
            greatest = max(greatest, abs(early[place]), abs(middle[place]), abs(late[place]))
        known = max(known, greatest)
    return known
