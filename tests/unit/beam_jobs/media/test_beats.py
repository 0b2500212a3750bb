"""The tempogram is librosa's, from one transform back instead of one per frame; clarity is a correlation."""

from __future__ import annotations

import numpy as np
import pytest
from librosa.feature import tempogram

from beam_jobs.media.beats import _clarity, _mean_tempogram
from beam_jobs.media.spectrum import ANALYSIS_RATE, HOP


@pytest.mark.parametrize("frames", [1, 5, 343, 344, 345, 1024, 5000])
def test_the_mean_tempogram_is_that_of_librosa(frames):
    rng = np.random.default_rng(frames)
    curve = np.maximum(rng.normal(0, 1, frames), 0).astype(np.float32)
    curve[::21] += 4
    curve[frames // 3 : frames // 2] = 0
    width = round(8 * ANALYSIS_RATE) // HOP
    by_librosa = tempogram(
        onset_envelope=curve, sr=ANALYSIS_RATE, hop_length=HOP, win_length=width, center=True
    )
    np.testing.assert_allclose(_mean_tempogram(curve), by_librosa.mean(axis=1), atol=1e-5)


def test_silence_has_no_tempogram():
    assert not _mean_tempogram(np.zeros(2000, np.float32)).any()


def test_a_curve_that_repeats_is_clear_at_its_period_and_nowhere_else():
    curve = np.tile(np.random.default_rng(0).random(21, np.float32), 100)
    assert _clarity(curve, 21) == pytest.approx(1, abs=1e-3)
    assert _clarity(curve, 22) == pytest.approx(1, abs=1e-3)
    assert _clarity(curve, 30) < 0.5


def test_a_curve_that_is_the_opposite_of_itself_later_has_a_clarity_of_0():
    curve = 1 + np.sin(2 * np.pi * np.arange(2000, dtype=np.float32) / 40)
    assert _clarity(curve, 20) == 0


@pytest.mark.parametrize("frames", [1, 2, 3, 20, 22])
def test_a_curve_no_longer_than_a_beat_has_no_clarity(frames):
    assert _clarity(np.ones(frames, np.float32), 21) == 0
