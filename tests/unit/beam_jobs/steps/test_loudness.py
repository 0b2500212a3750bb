"""Loudness against the standard's own cases and three independent meters."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from beam_jobs.contract.step import load_step
from beam_jobs.media.loudness import LoudnessMeter
from tests import samples
from tests.loudness_meters import FFMPEG, by_ffmpeg, range_of
from tests.real_songs import real_songs
from tests.step_calls import call_step

PART_S = 10


def measure(tmp_path, data, rate=48_000, **params):
    path = samples.write_audio(tmp_path / "in.wav", data.astype(np.float32), rate=rate, subtype="FLOAT")
    told = call_step("loudness", params, audio=path)[0]
    load_step("loudness").result.model_validate(told)
    return told


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


def test_surround_counts_by_its_speakers(tmp_path):
    """EBU Tech 3341, case 6, without and with a low-frequency channel, which does not count."""
    five = np.concatenate(
        [samples.tone(1000, 20, rate=48_000, dbfs=level) for level in (-28, -28, -24, -30, -30)], axis=1
    )
    assert measure(tmp_path, five)["integrated_lufs"] == pytest.approx(-23, abs=0.1)
    low = samples.tone(60, 20, rate=48_000, dbfs=-10)
    six = np.concatenate([five[:, :3], low, five[:, 3:]], axis=1)
    assert measure(tmp_path, six)["integrated_lufs"] == pytest.approx(-23, abs=0.1)


SPEAKERS = {
    "quad": "LEFT RIGHT LEFT_SURROUND RIGHT_SURROUND",
    "5.0": "LEFT RIGHT CENTER LEFT_SURROUND RIGHT_SURROUND",
    "5.1": "LEFT RIGHT CENTER UNUSED LEFT_SURROUND RIGHT_SURROUND",
    "6.1": "LEFT RIGHT CENTER UNUSED M_PLUS_180 M_PLUS_090 M_MINUS_090",
    "7.1": "LEFT RIGHT CENTER UNUSED M_PLUS_135 M_MINUS_135 M_PLUS_090 M_MINUS_090",
}
"""WAVE's order in the words of libebur128, which weights them by BS.1770's table of angles."""


@pytest.mark.parametrize("layout", SPEAKERS)
def test_each_speaker_counts_as_in_libebur128(tmp_path, layout):
    import pyebur128

    speakers = [getattr(pyebur128.ChannelType, name) for name in SPEAKERS[layout].split()]
    for alone in range(len(speakers)):
        data = np.zeros((5 * 48_000, len(speakers)), np.float32)
        data[:, alone] = samples.tone(1000, 5, rate=48_000)[:, 0]
        state = pyebur128.R128State(len(speakers), 48_000, pyebur128.MeasurementMode.MODE_I)
        for number, speaker in enumerate(speakers):
            state.set_channel(number, speaker)
        state.add_frames(data.astype(np.float64).ravel(), len(data))
        told = measure(tmp_path, data)["integrated_lufs"]
        if speakers[alone] == pyebur128.ChannelType.UNUSED:
            assert told is None
        else:
            assert told == pytest.approx(pyebur128.get_loudness_global(state), abs=0.01), alone


@pytest.mark.parametrize(("channels", "layout"), [(4, "quad"), (6, "5.1(side)"), (7, "6.1"), (8, "7.1")])
def test_the_speakers_of_a_file_come_in_that_order(tmp_path, channels, layout):
    import av

    path = samples.write_audio(tmp_path / "in.flac", samples.noise(0.1, channels=channels))
    with av.open(str(path)) as file:
        assert file.streams.audio[0].layout.name == layout


def test_a_pattern_as_long_as_the_window_has_a_constant_loudness(tmp_path):
    """EBU Tech 3341, cases 9 and 12."""
    short_term = measure(tmp_path, tones(*[(-20, 1.34), (-30, 1.66)] * 5), curve_step_s=0.1)
    assert short_term["short_term_lufs"][29:] == pytest.approx([-23] * 121, abs=0.1)
    momentary = measure(tmp_path, tones(*[(-20, 0.18), (-30, 0.22)] * 25))
    assert momentary["momentary_max_lufs"] == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize(
    ("field", "seconds", "late"),
    [("short_term_max_lufs", 3.0, 0.15), ("momentary_max_lufs", 0.4, 0.02)],
)
@pytest.mark.parametrize("number", [0, 1, 3, 7, 12, 19])
def test_the_maximum_does_not_depend_on_when_a_sound_begins(tmp_path, field, seconds, late, number):
    """EBU Tech 3341, cases 10 and 13 (tone of -23) and 11 and 14 (one level after another)."""
    for level in (-23, -38 + number):
        data = tones((-200, number * late), (level, seconds), (-200, 1))
        assert measure(tmp_path, data)[field] == pytest.approx(level, abs=0.1)


@pytest.mark.parametrize(
    ("phase", "hertz", "amplitude", "dbtp"),
    [
        (0, 12_000, 0.5, -6.0),  # EBU Tech 3341, case 15
        (45, 12_000, 0.5, -6.0),  # case 16
        (60, 8_000, 0.5, -6.0),  # case 17
        (67.5, 6_000, 0.5, -6.0),  # case 18
        (45, 12_000, 1.41, 3.0),  # case 19
    ],
)
def test_the_true_peak_of_a_tone_that_peaks_between_samples(tmp_path, phase, hertz, amplitude, dbtp):
    level = 20 * np.log10(amplitude)
    data = samples.tone(hertz, 2, rate=48_000, dbfs=level, channels=2, phase_deg=phase)
    fade = np.minimum(1, np.arange(len(data)) / 2400)[:, None]
    peak = measure(tmp_path, data * fade * fade[::-1])["true_peak_dbtp"]
    assert dbtp - 0.4 <= peak <= dbtp + 0.2


@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_the_true_peak_of_one_loud_period(tmp_path, offset):
    """EBU Tech 3341, cases 20 to 23: half of full scale at fs/6, one period at fs/4 of full scale."""
    rate = 48_000
    low, high = np.arange(24 * 1000), np.arange(16)
    quiet = 0.5 * np.sin(2 * np.pi * low / 24)
    whole = np.concatenate([quiet, np.sin(2 * np.pi * high / 16), quiet])
    fade = np.minimum(1, np.arange(len(whole)) / 4800)
    from scipy.signal import firwin, lfilter

    limited = lfilter(firwin(1023, 0.25 * 0.96, window=("kaiser", 9)), 1, whole * fade * fade[::-1])
    data = np.repeat(limited[offset::4, None], 2, axis=1)
    assert -0.4 <= measure(tmp_path, data, rate=rate)["true_peak_dbtp"] <= 0.2


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
    for seconds in (1, 10):
        told = measure(tmp_path, np.zeros((seconds * 48_000, 1)))
        assert {name for name, value in told.items() if value is None} == {
            "integrated_lufs", "loudness_range_lu", "momentary_max_lufs", "short_term_max_lufs",
            "true_peak_dbtp", "sample_peak_dbfs",
        }  # fmt: skip
    assert measure(tmp_path, tones((-20, 0.1)))["integrated_lufs"] is None


@pytest.mark.skipif(FFMPEG is None, reason="ffmpeg is not installed")
def test_it_agrees_with_ffmpeg_on_parts_of_thirty_real_songs(tmp_path):
    songs = [song for song in real_songs() if soundfile.info(song).duration > PART_S]
    if len(songs) < 30:
        pytest.skip("no real songs here; scripts/real_songs.sh brings them")
    for song in songs[:: len(songs) // 30][:30]:
        info = soundfile.info(song)
        part, rate = soundfile.read(
            song, frames=PART_S * info.samplerate, start=(info.frames - PART_S * info.samplerate) // 2,
            dtype="float32", always_2d=True,
        )  # fmt: skip
        told = measure(tmp_path, part, rate=rate)
        other = by_ffmpeg(tmp_path / "in.wav")
        assert told["integrated_lufs"] == pytest.approx(other.integrated_lufs, abs=0.1), song.name
        assert told["true_peak_dbtp"] == pytest.approx(other.true_peak_dbtp, abs=0.2), song.name
        assert told["loudness_range_lu"] == pytest.approx(range_of(other.short_term_lufs), abs=0.1), song.name
        assert told["short_term_max_lufs"] == pytest.approx(other.short_term_max_lufs, abs=0.1), song.name
        # FFmpeg looks every 100 ms only and may miss the loudest 400 ms.
        assert -0.01 <= told["momentary_max_lufs"] - other.momentary_max_lufs < 0.6, song.name


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 96_000, 192_000])
def test_the_loudness_of_a_tone_does_not_depend_on_the_rate(tmp_path, rate):
    tone = samples.tone(1000, 5, rate=rate, dbfs=-23, channels=2)
    told = measure(tmp_path, tone, rate=rate)
    assert told["integrated_lufs"] == pytest.approx(-23, abs=0.1)
    assert told["true_peak_dbtp"] == pytest.approx(-23, abs=0.1)


def test_blocks_of_any_length_give_the_same():
    data, _ = samples.song(100, 5)

    def heard(size):
        meter = LoudnessMeter(rate=samples.RATE, channels=2)
        for start in range(0, len(data), size):
            meter.add(data[start : start + size])
        return meter.result()

    whole, cut = heard(len(data)), heard(313)
    assert cut.integrated_lufs == pytest.approx(whole.integrated_lufs, abs=1e-9)
    assert cut.momentary_max_lufs == pytest.approx(whole.momentary_max_lufs, abs=1e-9)
    assert cut.true_peak_dbtp == pytest.approx(whole.true_peak_dbtp, abs=1e-4)
    assert cut.short_term_lufs == pytest.approx(whole.short_term_lufs, abs=1e-6)
