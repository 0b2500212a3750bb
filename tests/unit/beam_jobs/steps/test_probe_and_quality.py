"""probe and quality: what a catalog's owner asks of a file first."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
import soundfile

from beam_jobs.contract.errors import UndecodableMedia
from tests import samples
from tests.step_calls import call_step

RATE = samples.RATE


def quality(path, **params):
    return call_step("quality", params, audio=path)[0]


def noise(seconds=4.0, channels=2):
    return samples.noise(seconds, dbfs=-20, channels=channels)


def test_a_file_without_faults_has_none(tmp_path):
    told = quality(samples.write_audio(tmp_path / "in.wav", noise()))
    assert (told["clipped_runs"], told["dropouts"], told["truncated"], told["silent"]) == (0, 0, False, False)
    assert told["decodable_fraction"] == 1
    assert told["mono_as_stereo"] is False
    assert told["side_db"] == pytest.approx(0, abs=0.2)
    assert told["dc_offset"] == pytest.approx([0, 0], abs=1e-3)
    assert told["rms_dbfs"] == pytest.approx([-20, -20], abs=0.2)


def test_clipped_runs_are_counted_per_channel_also_over_the_ends_of_blocks(tmp_path):
    wave = noise()
    wave[1000:1003, 0] = 1
    wave[65_530:65_540, 1] = -1  # over the end of the first block
    wave[3000:3002] = 1  # two samples are a peak
    told = quality(samples.write_audio(tmp_path / "in.wav", wave))
    assert (told["clipped_runs"], told["clipped_samples"]) == (2, 13)
    assert [place["start_s"] for place in told["clipped_at"]] == pytest.approx(
        [1000 / RATE, 65_530 / RATE], abs=1e-6
    )
    assert told["clipped_share"] == pytest.approx(13 / wave.size, abs=1e-9)


def test_zeros_inside_the_sound_are_dropouts_and_at_its_ends_silence(tmp_path):
    wave = noise()
    wave[: RATE // 2] = 0
    wave[-RATE:] = 0
    wave[2 * RATE : 2 * RATE + 441] = 0
    wave[2 * RATE + 1000 : 2 * RATE + 1100] = 0  # 2 ms are not long enough
    told = quality(samples.write_audio(tmp_path / "in.wav", wave))
    assert told["dropouts_at"] == [{"start_s": 2.0, "duration_s": 0.01}]
    assert (told["silence_head_s"], told["silence_tail_s"]) == (0.5, 1.0)


def test_silence_is_silent_and_places_are_bounded(tmp_path):
    told = quality(samples.write_audio(tmp_path / "silence.wav", np.zeros((RATE, 2), np.float32)))
    assert (told["silent"], told["silence_head_s"], told["silence_tail_s"], told["dropouts"]) == (
        True,
        1,
        0,
        0,
    )
    assert (told["side_db"], told["mono_as_stereo"]) == (None, True)
    wave = noise()
    for start in range(10_000, 100_000, 1000):
        wave[start : start + 400] = 0
    told = quality(samples.write_audio(tmp_path / "holes.wav", wave), places=5)
    assert (told["dropouts"], len(told["dropouts_at"])) == (90, 5)


def test_an_offset_and_two_equal_channels_are_told(tmp_path):
    wave = np.repeat(noise(channels=1), 2, axis=1) + np.float32(0.1)
    told = quality(samples.write_audio(tmp_path / "in.wav", wave))
    assert told["dc_offset"] == pytest.approx([0.1, 0.1], abs=1e-3)
    assert told["mono_as_stereo"] is True
    assert told["side_db"] == -120


@pytest.mark.parametrize("format", ["wav", "flac", "ogg"])
def test_of_a_file_that_ends_early_the_rest_is_judged(tmp_path, format):
    whole, _ = call_step(
        "transcode", {"format": format}, audio=samples.write_audio(tmp_path / "in.wav", noise())
    )
    cut = tmp_path / f"cut.{format}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    told = quality(cut)
    assert told["truncated"] is True
    assert told["damage"]
    assert 1 < told["duration_s"] < 3
    # An Ogg file does not say how long it should be.
    expected = None if format == "ogg" else told["duration_s"] / 4
    assert told["decodable_fraction"] == (expected and pytest.approx(expected, abs=0.01))


def damaged(path, how):
    """Break a file behind its middle."""
    data = bytearray(path.read_bytes())
    at = int(0.55 * len(data))
    data[at:] = {"bytes": b"\xff\x00" * 8 + data[at + 16 :], "zeros": bytes(60_000) + data[at + 60_000 :],
                 "cut": b""}[how]  # fmt: skip
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("how", ["bytes", "zeros", "cut"])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_what_decodes_of_a_damaged_flac_is_judged_up_to_the_damage(tmp_path, how, channels):
    path = damaged(samples.write_audio(tmp_path / "in.flac", noise(8, channels)), how)
    decodes = 0
    with soundfile.SoundFile(path) as file, suppress(soundfile.LibsndfileError):
        while block := len(file.read(1024)):
            decodes += block
    assert decodes % 65_536 > 1024  # so that blocks would lose something
    told = quality(path)
    assert told["truncated"] is True
    assert told["duration_s"] * RATE == pytest.approx(decodes, abs=1024)
    assert told["decodable_fraction"] == pytest.approx(decodes / (8 * RATE), abs=0.003)


@pytest.mark.parametrize("at_s", [0.2, 4.5])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_samples_that_are_no_sound_are_counted_and_the_rest_is_judged(tmp_path, at_s, bad):
    wave = samples.noise(10, dbfs=-20, channels=2)
    whole = quality(samples.write_audio(tmp_path / "whole.wav", wave, subtype="FLOAT"))
    at = round(at_s * RATE)
    wave[at, 1] = wave[at + 7, 0] = bad
    wave[9 * RATE : 9 * RATE + 3] = 1  # behind them
    path = samples.write_audio(tmp_path / "in.wav", wave, subtype="FLOAT")
    told = quality(path)
    assert told["bad_samples"] == 2
    assert (told["truncated"], told["damage"], told["decodable_fraction"]) == (False, None, 1)
    assert (told["duration_s"], told["clipped_runs"], told["dropouts"]) == (10, 2, 0)
    assert told["rms_dbfs"] == pytest.approx(whole["rms_dbfs"], abs=0.01)
    assert call_step("probe", audio=path)[0]["duration_s"] == 10
    assert whole["bad_samples"] == 0


def test_a_file_of_nothing_but_such_samples_is_silent(tmp_path):
    wave = np.full((RATE, 2), np.nan, np.float32)
    told = quality(samples.write_audio(tmp_path / "in.wav", wave, subtype="FLOAT"))
    assert (told["bad_samples"], told["silent"], told["silence_head_s"]) == (2 * RATE, True, 1)


def test_probe_tells_what_the_header_says(tmp_path):
    path = tmp_path / "in.flac"
    with soundfile.SoundFile(path, "w", 48_000, 2, format="FLAC", subtype="PCM_24") as file:
        file.title, file.artist = "Ein Lied\x07 für Ü", "Someone"
        file.write(noise())
    told, call = call_step("probe", audio=path)
    assert (told["container"], told["sample_rate_hz"], told["channels"]) == ("flac", 48_000, 2)
    assert told["tags"]["title"] == "Ein Lied für Ü"
    assert told["tags"]["artist"] == "Someone"
    assert told["duration_s"] == call.media_seconds == pytest.approx(4 * RATE / 48_000, abs=1e-6)
    assert told["bit_rate_bps"] == pytest.approx(8 * path.stat().st_size / told["duration_s"], abs=1)
    assert (told["cover_art"], told["video"], told["audio_tracks"]) == (False, False, 1)


@pytest.mark.parametrize("seconds", [0.02, 1, 8.486])
def test_the_samples_that_opus_skips_are_not_counted(tmp_path, seconds):
    path = samples.write_audio(tmp_path / "in.wav", samples.noise(seconds, rate=48_000), rate=48_000)
    opus, _ = call_step("transcode", {"format": "opus"}, audio=path)
    told, _ = call_step("probe", audio=opus)
    assert told["container"] == "ogg-opus"
    assert told["duration_s"] == quality(opus)["duration_s"] == pytest.approx(seconds, abs=1e-6)


def test_sound_in_a_container_that_only_its_decoder_forgives_is_probed_without_tags(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise UndecodableMedia("not decodable as ogg-vorbis: Invalid data found")

    path = samples.write_audio(tmp_path / "in.ogg", noise())
    whole, _ = call_step("probe", {}, audio=path)
    monkeypatch.setattr("beam_jobs.media.container.open_container", refuse)
    told, _ = call_step("probe", {}, audio=path)
    assert told == {**whole, "tags": {}}
