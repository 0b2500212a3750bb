"""transcode: every format decodes to what went in, and is as loud as asked."""

from __future__ import annotations

import numpy as np
import pytest

from beam_jobs.contract.errors import StepError
from beam_jobs.media.audio import AudioFile
from tests import samples
from tests.step_calls import call_step


def heard(path):
    with AudioFile(path) as audio:
        return np.concatenate(list(audio.blocks())), audio.info


@pytest.mark.parametrize(("format", "signal_to_noise_db"), [
    ("flac", 70), ("wav", 70), ("ogg", 12), ("opus", 8), ("mp3", 12),
])  # fmt: skip
def test_every_format_decodes_to_the_same_sound_at_the_same_place(tmp_path, format, signal_to_noise_db):
    source = samples.song(120, 6)[0]
    path = samples.write_audio(tmp_path / "in.wav", source, subtype="FLOAT", rate=48_000)
    output, _ = call_step("transcode", {"format": format}, audio=path)
    made, info = heard(output)
    assert (info.rate, info.channels, len(made)) == (48_000, source.shape[1], len(source))
    noise = np.square(made - source).mean()
    assert 10 * np.log10(np.square(source).mean() / noise) > signal_to_noise_db


def test_opus_is_at_48_khz_and_mp3_at_the_next_rate_that_it_has(tmp_path):
    path = samples.write_audio(tmp_path / "in.wav", samples.tone(440, 2, rate=10_000), rate=10_000)
    for format, rate in (("opus", 48_000), ("mp3", 11_025)):
        output, _ = call_step("transcode", {"format": format}, audio=path)
        made, info = heard(output)
        assert (info.rate, len(made)) == (rate, 2 * rate)
    with pytest.raises(StepError, match=r"mp3 has no 96000 Hz; choose a sample_rate of 8,000"):
        call_step("transcode", {"format": "mp3", "sample_rate": 96_000}, audio=path)


def test_six_channels_stay_in_flac_and_become_two_in_opus(tmp_path):
    path = samples.write_audio(tmp_path / "in.wav", samples.noise(1, channels=6, rate=48_000), rate=48_000)
    for format, channels in (("flac", 6), ("opus", 2)):
        output, _ = call_step("transcode", {"format": format}, audio=path)
        assert heard(output)[1].channels == channels


@pytest.mark.parametrize("target", [-30.0, -23.0])
def test_the_result_is_as_loud_as_asked(tmp_path, target):
    path = samples.write_audio(tmp_path / "in.wav", samples.tone(997, 8, dbfs=-18, channels=2))
    output, _ = call_step("transcode", {"normalize_lufs": target}, audio=path)
    told, _ = call_step("loudness", audio=output)
    assert told["integrated_lufs"] == pytest.approx(target, abs=0.05)


def test_the_gain_stops_at_the_true_peak_and_silence_stays(tmp_path):
    path = samples.write_audio(tmp_path / "in.wav", samples.song(120, 6)[0])
    output, _ = call_step("transcode", {"normalize_lufs": -5, "max_true_peak_dbtp": -2}, audio=path)
    told, _ = call_step("loudness", audio=output)
    assert told["true_peak_dbtp"] == pytest.approx(-2, abs=0.05)
    silence = samples.write_audio(tmp_path / "silence.wav", np.zeros((44_100, 1), np.float32))
    output, _ = call_step("transcode", {"normalize_lufs": -14}, audio=silence)
    assert not heard(output)[0].any()
