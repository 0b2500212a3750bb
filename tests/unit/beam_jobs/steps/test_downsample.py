from __future__ import annotations

import numpy as np
import pytest
import soundfile

from tests import samples
from tests.step_calls import call_step


def made(path, **params):
    output, _ = call_step("downsample", params, audio=path)
    data, rate = soundfile.read(output, always_2d=True)
    return data, rate


@pytest.mark.parametrize("format", ["flac", "ogg", "wav"])
@pytest.mark.parametrize(
    ("frames", "rate", "to"), [(44_100, 44_100, 22_050), (48_001, 48_000, 16_000), (7, 8_000, 48_000)]
)
def test_the_length_is_exact_to_the_sample(tmp_path, format, frames, rate, to):
    path = samples.write_audio(tmp_path / "in.wav", samples.noise(1, rate=frames)[:frames], rate=rate)
    data, got = made(path, sample_rate=to, format=format)
    assert got == to
    assert len(data) == round(frames * to / rate)


@pytest.mark.parametrize(("channels", "expected"), [(1, 1), (2, 2), (None, 2)])
def test_channels_are_mixed_or_kept(tmp_path, channels, expected):
    path = samples.write_audio(tmp_path / "in.wav", samples.tone(440, 0.5, channels=2))
    assert made(path, channels=channels)[0].shape[1] == expected


def test_mono_is_the_mean_of_the_channels(tmp_path):
    left, right = samples.tone(440, 1, dbfs=-6), samples.tone(440, 1, dbfs=-6, phase_deg=180)
    path = samples.write_audio(tmp_path / "in.wav", np.hstack([left, right]))
    assert np.abs(made(path)[0]).max() < 1e-3


def test_a_tone_below_the_new_limit_keeps_its_level_and_one_above_is_gone(tmp_path):
    low = samples.write_audio(tmp_path / "low.wav", samples.tone(9_000, 2, dbfs=-6))
    high = samples.write_audio(tmp_path / "high.wav", samples.tone(13_000, 2, dbfs=-6))
    middle = slice(4_000, -4_000)
    rms = lambda data: 20 * np.log10(np.sqrt(np.mean(np.square(data[middle]))) + 1e-12)  # noqa: E731
    assert rms(made(low)[0]) == pytest.approx(-6 - 3.01, abs=0.05)
    assert rms(made(high)[0]) < -90


def test_blocks_make_what_the_whole_at_once_makes(tmp_path):
    import soxr

    source = samples.noise(5, dbfs=-12)
    path = samples.write_audio(tmp_path / "in.wav", source, subtype="FLOAT")
    whole = soxr.resample(source[:, 0], 44_100, 22_050, quality="HQ")
    data, _ = made(path, format="wav", bits=24)
    assert np.abs(data[:, 0] - whole).max() < 2**-22


@pytest.mark.parametrize(
    ("codec", "format", "suffix"),
    [("aac", "mp4", "m4a"), ("libopus", "ogg", "opus"), ("libmp3lame", "mp3", "mp3")],
)
def test_it_reads_what_ffmpeg_decodes(tmp_path, codec, format, suffix):
    path = samples.write_av(
        tmp_path / f"in.{suffix}", samples.tone(440, 2, rate=48_000), rate=48_000, codec=codec, format=format
    )
    data, rate = made(path)
    assert len(data) / rate == pytest.approx(2, abs=0.1)
    peak = np.argmax(np.abs(np.fft.rfft(data[2000:24_000, 0]))) * rate / 22_000
    assert peak == pytest.approx(440, abs=2)
