"""The inner loops of pYIN, compiled: one pass over a block of frames each."""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

TINY: Final = float(np.finfo(np.float64).tiny)
LOG_TINY: Final = float(np.log(TINY))


@numba.njit(cache=True)
def difference(frames: Any, correlation: Any, min_period: int, out: Any) -> None:
    """Fill ``out`` with YIN's cumulative mean normalised difference (equation 8) from ``min_period`` on.

    :param frames: samples, shape (frame, sample).
    :param correlation: their autocorrelation, shape (frame, lag) up to the greatest period.
    :param out: shape (frame, greatest period - min_period + 1).
    """
    for frame in range(len(frames)):
        energy = total = 0.0
        for lag in range(1, correlation.shape[1]):
            energy += np.float64(frames[frame, lag - 1]) ** 2
            apart = 2 * (np.float64(correlation[frame, 0]) - np.float64(correlation[frame, lag])) - energy
            total += apart
            if lag >= min_period:
                out[frame, lag - min_period] = apart / (total / lag + TINY)


@numba.njit(cache=True)
def _troughs(curve: Any, at: Any) -> int:
    """Fill ``at`` with the places of local minima and return their number."""
    last = len(curve) - 1
    count = 0
    for period in range(last + 1):
        falls = period == 0 or curve[period] < curve[period - 1]
        rises = period == last or curve[period] < curve[period + 1]
        level = 0 < period < last and curve[period] == curve[period + 1]
        if falls and (rises or level):
            at[count] = period
            count += 1
    return count


@numba.njit(cache=True)
def _weigh(heights: Any, thresholds: Any, weights: Any, prior: Any, no_trough: float, share: Any) -> None:
    """Fill ``share`` with the probability of each trough.

    Every threshold, weighted by a beta prior, is met by the troughs under it, the shorter periods first; one
    that none meets goes in part to the lowest.
    """
    share[:] = 0.0
    lowest = np.argmin(heights)
    for step in range(len(thresholds)):
        under = np.sum(heights < thresholds[step])
        if under == 0:
            share[lowest] += no_trough * weights[step]
            continue
        place = 0
        for trough in range(len(heights)):
            if heights[trough] < thresholds[step]:
                share[trough] += prior[under, place] * weights[step]
                place += 1


@numba.njit(cache=True)
def _between(curve: Any, period: int) -> float:
    """Return how far from ``period`` the parabola through it and its neighbours has its lowest point."""
    if not 0 < period < len(curve) - 1:
        return 0.0
    bend = curve[period + 1] + curve[period - 1] - 2 * curve[period]
    slope = (curve[period + 1] - curve[period - 1]) / 2
    return -slope / bend if abs(slope) < abs(bend) else 0.0


@numba.njit(cache=True)
def observe(
    curves: Any, thresholds: Any, weights: Any, prior: Any, no_trough: float,
    rate: float, min_period: int, fmin: float, per_octave: int, out: Any, voiced: Any,
) -> None:  # fmt: skip
    """Fill ``out`` with the log-probability of each pitch bin and ``voiced`` with their sum.

    Mauch & Dixon, ICASSP 2014, with the changes of the authors' own program.

    :param curves: from :func:`difference`, shape (frame, period).
    :param prior: ``prior[n, k]``, the weight of the ``k``-th of ``n`` troughs.
    :param out: shape (frame, bin).
    """
    bins = out.shape[1]
    at = np.empty(curves.shape[1], np.int64)
    chance = np.empty(bins)
    for frame in range(len(curves)):
        curve = curves[frame]
        count = _troughs(curve, at)
        chance[:] = 0.0
        if count:
            share = np.empty(count)
            _weigh(curve[at[:count]], thresholds, weights, prior, no_trough, share)
            for trough in range(count):
                hertz = rate / (min_period + at[trough] + _between(curve, at[trough]))
                pitch = int(np.rint(per_octave * np.log2(hertz / fmin)))
                if share[trough] > 0 and pitch < bins:
                    chance[max(0, pitch)] = share[trough]
        voiced[frame] = min(1.0, np.sum(chance))
        out[frame] = np.log(chance + TINY)


@numba.njit(cache=True)
def advance(
    observed: Any, voiced: Any, moves: Any, stay: float, switch: float, values: Any, came: Any
) -> None:
    """Go on with the Viterbi recursion over voiced and unvoiced pitch bins.

    :param observed: log-probabilities of the bins when voiced, shape (frame, bin).
    :param moves: ``moves[d, t]``, log-probability to come to bin ``t`` from ``t + d - width // 2``.
    :param values: of the states before the first frame, shape (2, bin), voiced first; changed in place.
    :param came: filled with the state before each state, shape (frame, 2 * bin).
    """
    bins = observed.shape[1]
    reach = len(moves) // 2
    best, start = np.empty(bins), np.empty(bins)
    source, kind = np.empty(bins, np.int32), np.empty(bins, np.int32)
    after = np.empty((2, bins))
    for frame in range(len(observed)):
        top = 0
        for state in range(2 * bins):
            if values[state // bins, state % bins] > values[top // bins, top % bins]:
                top = state
        far = values[top // bins, top % bins] + LOG_TINY
        unvoiced = np.log((1 - voiced[frame]) / bins + TINY)
        for target in range(2):
            for pitch in range(bins):
                from_voiced = values[0, pitch] + (stay if target == 0 else switch)
                from_unvoiced = values[1, pitch] + (switch if target == 0 else stay)
                kind[pitch] = 0 if from_voiced >= from_unvoiced else bins
                start[pitch] = max(from_voiced, from_unvoiced)
            best[:] = far
            source[:] = -1
            for move in range(len(moves)):
                low, high = max(0, reach - move), min(bins, bins + reach - move)
                for pitch in range(low, high):
                    value = start[pitch + move - reach] + moves[move, pitch]
                    better = value > best[pitch]
                    best[pitch] = value if better else best[pitch]
                    source[pitch] = pitch + move - reach if better else source[pitch]
            for pitch in range(bins):
                seen = observed[frame, pitch] if target == 0 else unvoiced
                after[target, pitch] = best[pitch] + seen
                before = source[pitch]
                came[frame, target * bins + pitch] = top if before < 0 else before + kind[before]
        values[:] = after
