"""transcode: every format decodes to what went in, and is as loud as asked."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from pydantic import ValidationError

from beam_jobs.contract.errors import StepError
from beam_jobs.contract.step import load_step
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


@pytest.mark.parametrize(("params", "said"), [
    ({"format": "mp3", "sample_rate": 96_000}, "mp3 has no 96000 Hz; choose a sample_rate of 8000"),
    ({"format": "opus", "sample_rate": 44_100}, "opus is always at 48000 Hz; leave sample_rate out"),
    ({"format": "flac", "bit_rate_kbps": 128}, "bit_rate_kbps is of opus and mp3, and format is flac"),
    ({"format": "mp3", "bit_rate_kbps": 100}, r"mp3 has no 100 kbit/s; choose a bit_rate_kbps of \(32"),
    ({"format": "mp3", "bit_rate_kbps": 8, "sample_rate": 44_100}, "mp3 has no 8 kbit/s"),
    ({"format": "mp3", "quality": 5}, "quality is of ogg, and format is mp3"),
])  # fmt: skip
def test_params_that_a_format_does_not_have_are_refused(params, said):
    with pytest.raises(ValidationError, match=said):
        load_step("transcode").parse_params(params)


@pytest.mark.parametrize(("params", "said"), [
    ({"format": "opus", "bit_rate_kbps": 400}, "opus has no 400 kbit/s for 1 channels; choose 6 to 256"),
    ({"format": "mp3", "bit_rate_kbps": 320}, "mp3 has no 320 kbit/s at 22050 Hz; choose a bit_rate"),
])  # fmt: skip
def test_a_bit_rate_that_the_input_cannot_have_fails_the_item(tmp_path, params, said):
    path = samples.write_audio(tmp_path / "in.wav", samples.tone(440, 1, rate=22_050), rate=22_050)
    with pytest.raises(StepError, match=said):
        call_step("transcode", params, audio=path)
    assert heard(call_step("transcode", {"format": params["format"]}, audio=path)[0])[1].channels == 1


@pytest.mark.parametrize("params", [
    {"format": "opus", "bit_rate_kbps": 64}, {"format": "mp3", "bit_rate_kbps": 64},
    {"format": "ogg", "quality": 0},
])  # fmt: skip
def test_less_bits_make_a_smaller_file(tmp_path, params):
    path = samples.write_audio(tmp_path / "in.wav", samples.song(120, 6)[0])
    small = call_step("transcode", params, audio=path)[0].stat().st_size
    assert small < 0.75 * call_step("transcode", {"format": params["format"]}, audio=path)[0].stat().st_size
    if "bit_rate_kbps" in params:
        assert small * 8 / 6 == pytest.approx(64_000, rel=0.1)


FORMATS = ["flac", "ogg", "opus", "mp3", "wav"]
MADE = """
import hashlib, sys
from pathlib import Path
from tests.step_calls import call_step
for format in sys.argv[2:]:
    output, _ = call_step("transcode", {"format": format, "normalize_lufs": -20}, audio=Path(sys.argv[1]))
    print(hashlib.sha256(output.read_bytes()).hexdigest())
"""


def test_the_bytes_are_the_same_in_another_process_and_tell_nothing_of_the_input(tmp_path):
    path = tmp_path / "in.flac"
    with soundfile.SoundFile(path, "w", 44_100, 2, format="FLAC") as file:
        file.title = "A title"
        file.write(samples.song(120, 3)[0])
    made = [
        call_step("transcode", {"format": format, "normalize_lufs": -20}, audio=path)[0].read_bytes()
        for format in FORMATS
    ]
    done = subprocess.run(
        [sys.executable, "-c", MADE, path, *FORMATS], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [hashlib.sha256(data).hexdigest() for data in made]
    assert not any(b"A title" in data or b"Lavf6" in data for data in made)


@pytest.mark.parametrize("channels", [3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("format", ["ogg", "flac"])
def test_surround_keeps_its_speakers(tmp_path, channels, format):
    hertz = [200 * (number + 1) for number in range(channels)]
    if channels > 5:
        hertz[3] = 50  # the low-frequency channel
    source = np.concatenate([samples.tone(each, 1, rate=48_000) for each in hertz], axis=1)
    path = samples.write_audio(tmp_path / "in.wav", source, rate=48_000)
    made, _ = heard(call_step("transcode", {"format": format}, audio=path)[0])
    assert list(np.abs(np.fft.rfft(made[:48_000], axis=0)).argmax(axis=0)) == hertz


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


@pytest.mark.parametrize("kbps", [64, 128, 192, 224, 320])
def test_an_mp3_is_as_loud_as_asked(tmp_path, kbps):
    # Nothing above 16 kHz, which MP3 leaves out and which has its part in loudness.
    chord = sum(samples.tone(hertz, 6, dbfs=-20, channels=2) for hertz in (220, 277, 330, 1320, 5280))
    path = samples.write_audio(tmp_path / "in.wav", chord)
    params = {"format": "mp3", "bit_rate_kbps": kbps, "normalize_lufs": -23}
    told, _ = call_step("loudness", audio=call_step("transcode", params, audio=path)[0])
    assert told["integrated_lufs"] == pytest.approx(-23, abs=0.1)


def test_the_gain_stops_at_the_true_peak_and_silence_stays(tmp_path):
    path = samples.write_audio(tmp_path / "in.wav", samples.song(120, 6)[0])
    output, _ = call_step("transcode", {"normalize_lufs": -5, "max_true_peak_dbtp": -2}, audio=path)
    told, _ = call_step("loudness", audio=output)
    assert told["true_peak_dbtp"] == pytest.approx(-2, abs=0.05)
    silence = samples.write_audio(tmp_path / "silence.wav", np.zeros((44_100, 1), np.float32))
    output, _ = call_step("transcode", {"normalize_lufs": -14}, audio=silence)
    assert not heard(output)[0].any()
