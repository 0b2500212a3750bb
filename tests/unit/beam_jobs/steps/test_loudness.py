"""Loudness against the standard's own cases and two independent meters."""

from __future__ import annotations

import numpy as np
import pytest

from tests import samples
from tests.step_calls import call_step


def measure(tmp_path, data, rate=48_000, **params):
    path = samples.write_audio(tmp_path / "in.wav", data.astype(np.float32), rate=rate, subtype="FLOAT")
    return call_step("loudness", params, audio=path)[0]


def tones(*parts, rate=48_000):
    """Stereo 1 kHz tones after each other, each (dBFS, seconds)."""
    return np.concatenate(
        [samples.tone(1000, seconds, rate=rate, dbfs=level, channels=2) for level, seconds in parts]
    )


@pytest.mark.parametrize(
    ("parts", "lufs"),
    [
        ([(-23, 20)], -23.0),  # EBU Tech 3341, case 1
        ([(-33, 20)], -33.0),  # case 2
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),  # case 3
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),  # case 4
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),  # case 5
    ],
)
def test_integrated_loudness_of_the_ebu_cases(tmp_path, parts, lufs):
    assert measure(tmp_path, tones(*parts))["integrated_lufs"] == pytest.approx(lufs, abs=0.1)


@pytest.mark.parametrize(
    ("parts", "lu"),
    [
        ([(-20, 20), (-30, 20)], 10),  # EBU Tech 3342, case 1
        ([(-20, 20), (-15, 20)], 5),  # case 2
        ([(-40, 20), (-20, 20)], 20),  # case 3
        ([(-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)], 15),  # case 4
    ],
)
def test_loudness_range_of_the_ebu_cases(tmp_path, parts, lu):
    assert measure(tmp_path, tones(*parts))["loudness_range_lu"] == pytest.approx(lu, abs=1)


@pytest.mark.parametrize(("phase", "hertz"), [(0, 12_000), (45, 12_000), (60, 8_000), (67.5, 6_000)])
def test_the_true_peak_of_a_tone_that_peaks_between_samples(tmp_path, phase, hertz):
    """EBU Tech 3341, cases 15 to 19: +0.2 / -0.4 dB."""
    data = samples.tone(hertz, 2, rate=48_000, dbfs=-6.0, channels=2, phase_deg=phase)
    fade = np.minimum(1, np.arange(len(data)) / 2400)[:, None]
    peak = measure(tmp_path, data * fade * fade[::-1])["true_peak_dbtp"]
    assert -6.4 <= peak <= -5.8


def test_it_agrees_with_two_other_meters_on_music(tmp_path):
    import pyebur128
    import pyloudnorm

    data, _ = samples.song(110, 20)
    told = measure(tmp_path, data, rate=samples.RATE)
    other = pyloudnorm.Meter(samples.RATE).integrated_loudness(data.astype(np.float64))
    assert told["integrated_lufs"] == pytest.approx(other, abs=0.1)
    state = pyebur128.R128State(
        2, samples.RATE, pyebur128.MeasurementMode.MODE_I | pyebur128.MeasurementMode.MODE_LRA
    )
    state.add_frames(np.ascontiguousarray(data, np.float64).ravel(), len(data))
    assert told["integrated_lufs"] == pytest.approx(pyebur128.get_loudness_global(state), abs=0.1)
    # That meter looks once a second, this one ten times; the standard allows 1 LU.
    assert told["loudness_range_lu"] == pytest.approx(pyebur128.get_loudness_range(state), abs=0.5)


def test_the_curve_has_a_value_per_step_and_its_greatest_is_the_maximum(tmp_path):
    told = measure(tmp_path, tones((-40, 5), (-20, 5)), curve_step_s=0.5)
    assert len(told["short_term_lufs"]) == 20
    assert max(told["short_term_lufs"]) == pytest.approx(told["short_term_max_lufs"], abs=0.1)


def test_silence_and_a_moment_have_no_loudness(tmp_path):
    assert measure(tmp_path, np.zeros((48_000, 1)))["integrated_lufs"] is None
    assert measure(tmp_path, tones((-20, 0.1)))["integrated_lufs"] is None
