"""The compiled shape of spectra is that of the formulas, and librosa's."""

from __future__ import annotations

import librosa
import numpy as np

from beam_jobs.media.features import SpectralSummary
from beam_jobs.media.spectrum import ANALYSIS_RATE, N_FFT


def shapes(power: np.ndarray, rolloff: float = 0.85) -> dict[str, np.ndarray]:
    return SpectralSummary(n_mels=64, n_mfcc=13, rolloff=rolloff)._shape(power)


def test_the_shape_of_noise_tones_and_extremes_is_that_of_librosa():
    rng = np.random.default_rng(2)
    power = rng.exponential(1, (40, N_FFT // 2 + 1)).astype(np.float32)
    power[5] *= 1e-13
    power[6] *= 1e9
    power[7] = 0
    power[7, 0] = 1
    power[8] = 0
    power[8, -1] = 1e-20
    power[9, 10:] = 0
    found = shapes(power)
    given = {"S": np.sqrt(power.astype(np.float64)).T, "sr": ANALYSIS_RATE}

    centroid = librosa.feature.spectral_centroid(**given)[0]
    np.testing.assert_allclose(found["centroid_hz"], centroid, rtol=1e-9, atol=1e-9)
    bandwidth = librosa.feature.spectral_bandwidth(**given)[0]
    np.testing.assert_allclose(found["bandwidth_hz"], bandwidth, rtol=1e-6, atol=1e-3)
    rolloff = librosa.feature.spectral_rolloff(**given, roll_percent=0.85)[0]
    np.testing.assert_allclose(found["rolloff_hz"], rolloff, atol=1e-9)
    flatness = librosa.feature.spectral_flatness(S=given["S"], amin=1e-10, power=2.0)[0]
    np.testing.assert_allclose(found["flatness"], flatness, rtol=1e-9)


def test_the_loudest_spectra_that_a_file_can_hold_do_not_overflow():
    power = np.full((1, N_FFT // 2 + 1), 1e25, np.float32)
    np.testing.assert_allclose(shapes(power)["flatness"], 1, rtol=1e-9)
