"""The shape of spectra, compiled: one pass over each frame, a second one up to its roll-off."""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np

TOGETHER: Final = 8
"""So many numbers from 1e-30 to 1e30 are multiplied before a logarithm is taken."""


@numba.njit(cache=True)
def describe(power: Any, rolloff: float, floor: float, out: Any) -> None:
    """Fill ``out`` with centroid, bandwidth and roll-off in bins, and flatness, of each frame.

    :param power: shape (frames, bins); no frame is silent.
    :param rolloff: share of the magnitude.
    :param floor: the least power that flatness knows.
    :param out: shape (frames, 4).
    """
    bins = power.shape[1]
    for frame in range(len(power)):
        mass = first = second = total = logs = 0.0
        product = 1.0
        for bin in range(bins):
            heard = np.float64(power[frame, bin])
            magnitude = np.sqrt(heard)
            mass += magnitude
            first += magnitude * bin
            second += magnitude * bin * bin
            floored = max(heard, floor)
            total += floored
            product *= floored
            if bin % TOGETHER == TOGETHER - 1:
                logs += np.log(product)
                product = 1.0
        logs += np.log(product)
        centroid = first / mass
        out[frame, 0] = centroid
        out[frame, 1] = np.sqrt(max(second / mass - centroid * centroid, 0.0))
        out[frame, 2] = _quantile(power[frame], rolloff * mass)
        out[frame, 3] = np.exp(logs / bins) / (total / bins)


@numba.njit(cache=True)
def _quantile(power: Any, wanted: float) -> float:
    """Return the first bin up to which so much magnitude lies."""
    mass = 0.0
    for bin in range(len(power)):
        mass += np.sqrt(np.float64(power[bin]))
        if mass >= wanted:
            return float(bin)
    return float(len(power) - 1)
