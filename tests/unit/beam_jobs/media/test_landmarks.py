"""Landmarks are the maxima that SciPy's filter finds, wherever the spectra are cut into pieces."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import maximum_filter

from beam_jobs.media import landmarks
from beam_jobs.media.landmark_kernel import greatest_around
from beam_jobs.media.spectrum import decibels, power_frames


def maxima(level: np.ndarray, quietest: float, lowest: int, frames: int, bins: int) -> np.ndarray:
    around = maximum_filter(level, (2 * frames + 1, 2 * bins + 1), mode="constant", cval=-np.inf)
    heard = (level == around) & (level > quietest)
    heard[:, :lowest] = False
    return heard


@pytest.mark.parametrize("shape", [(1, 40), (3, 24), (13, 21), (200, 60)])
@pytest.mark.parametrize("steps", [3, 1000], ids=["many alike", "few alike"])
def test_the_greatest_around_are_those_of_a_maximum_filter(shape, steps):
    count = 0
    for seed in range(20):
        level = np.random.default_rng(seed).integers(-steps, steps, shape).astype(np.float32)
        found = greatest_around(level, np.float32(-steps / 2), 8, 6, 10)
        np.testing.assert_array_equal(found, maxima(level, -steps / 2, 8, 6, 10))
        count += found.sum()
    assert count > 0


@pytest.mark.parametrize("block", [256, 11_025, 2_000_000])
def test_no_landmark_is_lost_or_doubled_where_pieces_meet(block):
    noise = np.random.default_rng(7).standard_normal((700_000, 1)).astype(np.float32)
    noise[300_000:400_000] *= 1e-6  # quiet in between
    found = landmarks.find_landmarks(iter(np.split(noise, range(block, len(noise), block))))
    level = decibels(np.concatenate(list(power_frames(iter([noise]), landmarks.N_FFT, landmarks.HOP))))
    frames, bins = np.nonzero(maxima(level, -30, 8, 6, 10))
    np.testing.assert_array_equal(found.frames, frames)
    np.testing.assert_array_equal(found.bins, bins)
    assert len(frames) > 500


def test_of_no_sound_there_are_none():
    for blocks in ([], [np.zeros((100_000, 1), np.float32)]):
        assert len(landmarks.find_landmarks(iter(blocks)).frames) == 0
