"""The tempogram is librosa's, from one transform back instead of one per frame."""

from __future__ import annotations

import numpy as np
import pytest
from librosa.feature import tempogram

from beam_jobs.media.beats import _mean_tempogram
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
