"""Two files that add up to the song, and an index that says which is which."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from beam_jobs.contract.step import load_step
from tests import samples
from tests.step_calls import call_step

STEP = load_step("separate_vocals")


def separate(folder, audio, **params):
    """Return the index and the samples and rate of vocals and accompaniment."""
    folder.mkdir(exist_ok=True)
    result, call = call_step(STEP, params, output=folder / "index.json", audio=audio)
    STEP.result.model_validate(result)
    suffix = STEP.child_suffix(STEP.parse_params(params))
    files = [folder / f"index.json.{child['name']}{suffix}" for child in result["children"]]
    assert [child["name"] for child in result["children"]] == call.children
    return result, [soundfile.read(file, dtype="float32", always_2d=True) for file in files], files


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """Ten seconds of stereo."""
    data = 0.5 * samples.song(110, 10)[0]
    return samples.write_audio(tmp_path_factory.mktemp("song") / "in.wav", data, subtype="FLOAT"), data


@pytest.mark.parametrize("method", ["median", "repeating"])
def test_the_parts_add_up_to_the_song(song, tmp_path, method):
    result, parts, _ = separate(tmp_path, song[0], method=method)
    assert [child["part"] for child in result["children"]] == ["vocals", "accompaniment"]
    (vocals, rate), (rest, _) = parts
    assert (rate, result["sample_rate_hz"], result["channels"]) == (44_100, 44_100, 2)
    assert np.abs(vocals + rest - song[1]).max() < 3 / 32_768
    assert result["children"][1]["rms_dbfs"] == pytest.approx(20 * np.log10(rest.std()), abs=0.1)


def test_a_song_of_drums_and_chords_is_mostly_accompaniment(song, tmp_path):
    vocals, rest = (child["rms_dbfs"] for child in separate(tmp_path, song[0])[0]["children"])
    assert vocals < rest - 6


@pytest.mark.parametrize(
    ("params", "rate", "channels", "format"),
    [
        ({"sample_rate": 16_000, "channels": 1, "format": "wav"}, 16_000, 1, "WAV"),
        ({"sample_rate": 22_050, "format": "ogg"}, 22_050, 2, "OGG"),
    ],
)
def test_rate_channels_and_format_are_as_asked(song, tmp_path, params, rate, channels, format):
    result, parts, files = separate(tmp_path, song[0], **params)
    assert (result["sample_rate_hz"], result["channels"]) == (rate, channels)
    for (data, own), file in zip(parts, files, strict=True):
        assert (own, data.shape) == (rate, (10 * rate, channels))
        assert soundfile.info(file).format == format


@pytest.mark.parametrize("rate", [1_000, 8_000, 192_000])
@pytest.mark.parametrize("channels", [1, 6])
def test_every_rate_and_channel_count_has_parts(tmp_path, rate, channels):
    audio = samples.write_audio(
        tmp_path / "in.wav", samples.noise(0.5, rate=rate, channels=channels), rate=rate
    )
    result, parts, _ = separate(tmp_path / "out", audio)
    assert result["sample_rate_hz"] == min(rate, 48_000)
    assert result["channels"] == min(channels, 2)
    assert all(len(data) == round(0.5 * result["sample_rate_hz"]) for data, _ in parts)


def test_the_same_song_gives_the_same_bytes(song, tmp_path):
    first, _, files = separate(tmp_path / "first", song[0], sample_rate=16_000)
    second, _, others = separate(tmp_path / "second", song[0], sample_rate=16_000)
    assert json.dumps(first) == json.dumps(second)
    assert [file.read_bytes() for file in files] == [file.read_bytes() for file in others]


def test_a_song_that_breaks_off_leaves_no_files(song, tmp_path):
    broken = tmp_path / "broken.flac"
    samples.write_audio(broken, samples.song(120, 30)[0])
    samples.truncate(broken)
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(Exception, match="truncated"):
        call_step(STEP, output=folder / "index.json", audio=broken)
    assert list(folder.iterdir()) == []
