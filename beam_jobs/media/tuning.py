"""How far the notes of a spectrogram lie from A = 440 Hz."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from beam_jobs.media.spectrum import Frames

_LOWEST_HZ = 150.0
_HIGHEST_HZ = 4000.0
_LEAST_OF_GREATEST = 0.1


def tuning_of(power: Iterable[Frames], rate: int, n_fft: int) -> float:
    """Return the tuning in semitones, -0.5 to 0.49, as ``librosa.estimate_tuning(S=power)`` gives it.

    Peaks of each spectrum between 150 and 4000 Hz that reach a tenth of its greatest value, placed between
    bins by a parabola (J. O. Smith, "Spectral Audio Signal Processing", 2011); the stronger half of them all
    votes, by cents.
    """
    found = [_peaks(frames, rate, n_fft) for frames in power]
    hertz = np.concatenate([pair[0] for pair in found] or [np.zeros(0)])
    height = np.concatenate([pair[1] for pair in found] or [np.zeros(0)])
    if not len(hertz):
        return 0.0
    hertz = hertz[height >= np.median(height)]
    apart = np.mod(12 * np.log2(hertz / (440.0 / 16)) + 0.5, 1.0) - 0.5
    votes, edges = np.histogram(apart, np.linspace(-0.5, 0.5, 101))
    return float(edges[np.argmax(votes)])


def _peaks(power: Frames, rate: int, n_fft: int) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
    """Return frequency and height of each peak."""
    hz = np.fft.rfftfreq(n_fft, 1 / rate)
    inside = np.nonzero((hz >= _LOWEST_HZ) & (hz < _HIGHEST_HZ))[0]
    low, high = int(inside[0]), min(int(inside[-1]) + 1, power.shape[1] - 1)
    middle, below, above = power[:, low:high], power[:, low - 1 : high - 1], power[:, low + 1 : high + 1]
    least = np.float32(_LEAST_OF_GREATEST) * power.max(axis=1, keepdims=True)
    at = np.nonzero((middle > least) & (middle > below) & (middle >= above))
    here, before, after = middle[at], below[at], above[at]
    bend, slope = after + before - 2 * here, (after - before) / 2
    shift = np.where(np.abs(slope) >= np.abs(bend), 0, -slope / np.where(bend == 0, 1, bend))
    return (low + at[1] + shift) * (rate / n_fft), here + slope * shift / 2
