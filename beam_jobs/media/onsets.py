"""Onsets: the peaks of an onset curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beam_jobs.media.beats import Curve
from beam_jobs.media.spectrum import ANALYSIS_RATE, HOP


@dataclass(frozen=True, slots=True, kw_only=True)
class Onsets:
    """What was found.

    :param times_s: seconds from the start, increasing.
    :param strengths: the height of each peak, the greatest of the curve being 1.
    """

    times_s: npt.NDArray[np.float64]
    strengths: npt.NDArray[np.float32]


def find_onsets(curve: Curve, *, delta: float, wait_s: float, backtrack: bool) -> Onsets:
    """Pick the peaks of an onset curve (Böck, Krebs & Schedl, ISMIR 2012), by librosa.

    A peak is the greatest within 30 ms before it and more than ``delta`` above the mean of 100 ms around. The
    last value, of which nothing is known, is in no mean: as 0 it would make peaks of the noise before it.

    :param curve: of :func:`beam_jobs.media.beats.onset_strength`.
    :param delta: as a share of the curve's range.
    :param wait_s: least time between two.
    :param backtrack: give where the rise begins in place of the peak.
    """
    from librosa.onset import onset_backtrack, onset_detect

    curve = curve[:-1] - curve.min(initial=np.inf) if len(curve) else curve
    if not curve.any():
        return Onsets(times_s=np.zeros(0), strengths=np.zeros(0, np.float32))
    curve /= curve.max()
    frames = onset_detect(
        onset_envelope=curve, sr=ANALYSIS_RATE, hop_length=HOP, normalize=False,
        delta=delta, wait=int(wait_s * ANALYSIS_RATE // HOP),
    )  # fmt: skip
    strengths = curve[frames]
    if backtrack and len(frames):
        frames, first = np.unique(onset_backtrack(frames, curve), return_index=True)
        strengths = strengths[first]
    return Onsets(times_s=frames * (HOP / ANALYSIS_RATE), strengths=strengths)
