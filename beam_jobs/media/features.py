"""Spectral features of librosa's definitions, over a stream of spectra."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.fft import dct

from beam_jobs.media.spectral_kernel import describe
from beam_jobs.media.spectrum import ANALYSIS_RATE, N_FFT, Frames, decibels, mel_weights
from beam_jobs.media.statistics import RunningStatistics

_POWER_FLOOR: Final = 1e-10
_BIN_HZ: Final = ANALYSIS_RATE / N_FFT


class SpectralSummary:
    """Takes power spectra of shape (frames, 1025) at 22,050 Hz and keeps statistics only.

    :param rolloff: share of the magnitude under the roll-off frequency.
    """

    def __init__(self, *, n_mels: int, n_mfcc: int, rolloff: float) -> None:
        self._mel = mel_weights(ANALYSIS_RATE, n_mels)
        self._n_mfcc = n_mfcc
        self._rolloff = rolloff
        self._statistics = {
            name: RunningStatistics()
            for name in ("mel_db", "mfcc", "centroid_hz", "bandwidth_hz", "rolloff_hz", "flatness")
        }
        self._frames = self._silent = 0

    def add(self, power: Frames) -> None:
        """Take in the spectra of some frames."""
        mel = decibels(power @ self._mel, _POWER_FLOOR)
        self._statistics["mel_db"].add(mel)
        self._statistics["mfcc"].add(dct(mel, type=2, norm="ortho", axis=1)[:, : self._n_mfcc])
        heard = power[power.any(axis=1)]
        self._frames += len(power)
        self._silent += len(power) - len(heard)
        for name, values in self._shape(heard).items():
            self._statistics[name].add(values.astype(np.float32)[:, None])

    def result(self) -> dict[str, Any]:
        """Return the summary as JSON values."""
        digits = {"flatness": 6, "mel_db": 2}
        return {
            **{name: kept.summary(digits.get(name, 3)) for name, kept in self._statistics.items()},
            "frames": self._frames,
            "silent_frames": self._silent,
        }

    def _shape(self, power: Frames) -> dict[str, npt.NDArray[np.floating]]:
        """Describe each spectrum's magnitude as a distribution over frequency.

        Centroid and bandwidth are its mean and deviation (Klapuri & Davy, "Signal Processing Methods for
        Music Transcription", 2007, chapter 5), roll-off its quantile; flatness is geometric by arithmetic
        mean of power (Johnston 1988).
        """
        told = np.empty((len(power), 4))
        describe(power, self._rolloff, _POWER_FLOOR, told)
        centroid, bandwidth, rolloff, flatness = told.T
        return {
            "centroid_hz": centroid * _BIN_HZ,
            "bandwidth_hz": bandwidth * _BIN_HZ,
            "rolloff_hz": rolloff * _BIN_HZ,
            "flatness": flatness,
        }
