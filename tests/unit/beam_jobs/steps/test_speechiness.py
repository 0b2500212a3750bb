"""Speech is found where it was put; music, noise and silence are none."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import soxr

from beam_jobs.contract.step import load_step
from beam_jobs.media.speech import find_speech
from beam_jobs.media.speech_features import RATE, speech_windows
from tests import samples
from tests.real_songs import real_songs
from tests.speech_tracks import at_rate, music, spoken, track
from tests.step_calls import call_step

TRACK_S = 40
FRAME_S = 0.1


def find(tmp_path, data, rate=RATE):
    path = samples.write_audio(tmp_path / "in.wav", data.reshape(len(data), -1), rate=rate)
    result = call_step("speechiness", audio=path)[0]
    load_step("speechiness").result.model_validate(result)
    return result


def f1(made, result):
    truth = made.truth(FRAME_S)
    heard = np.zeros(len(truth), bool)
    for segment in result["segments"]:
        heard[round(segment["start_s"] / FRAME_S) : round(segment["end_s"] / FRAME_S)] = True
    return 2 * (heard & truth).sum() / (heard.sum() + truth.sum())


@pytest.fixture(scope="module")
def voices():
    """Two stretches of each of two voices that the classifier does not know."""
    return {
        voice: [spoken(voice, sentences=slice(2 * k, 2 * k + 2))[: 8 * RATE] for k in range(2)]
        for voice in ("en-us+f4", "sv+m6")
    }


@pytest.fixture(scope="module")
def songs():
    """Music to speak over: real where there is some."""
    found = [song for song in real_songs() if "hyperrogue" in song.parts and "music" in song.parts][:2]
    if found:
        return [music(song, TRACK_S, seed=1) for song in found]
    made = [samples.song(bpm, TRACK_S, seed=bpm)[0] for bpm in (84, 126)]
    return [at_rate(song.mean(axis=1), samples.RATE) for song in made]


@pytest.mark.parametrize("voice", ["en-us+f4", "sv+m6"])
@pytest.mark.parametrize(("snr_db", "least"), [(None, 0.95), (10, 0.9), (0, 0.85)])
def test_speech_is_found_where_it_was_put(voices, songs, tmp_path, voice, snr_db, least):
    for number, song in enumerate(songs):
        made = track(
            None if snr_db is None else song, voices[voice], seconds=TRACK_S, snr_db=snr_db or 0, seed=number
        )
        result = find(tmp_path, made.samples)
        assert f1(made, result) > least
        assert result["speech_share"] == pytest.approx(made.truth(FRAME_S).mean(), abs=0.1)


def test_music_without_speech_is_none(songs, tmp_path):
    for song in songs:
        assert find(tmp_path, song)["speech_share"] < 0.1


@pytest.mark.parametrize(
    "data",
    [
        samples.noise(10, rate=RATE),
        samples.tone(440, 10, rate=RATE),
        np.zeros((10 * RATE, 1), np.float32),
        samples.click_track(100, 10, rate=RATE)[0],
    ],
    ids=["noise", "tone", "silence", "clicks"],
)
def test_other_sounds_are_not_speech(tmp_path, data):
    result = find(tmp_path, data)
    assert result["speech_share"] == 0
    assert result["segments"] == []


def test_any_rate_and_channels_give_nearly_the_same(voices, tmp_path):
    made = track(None, voices["en-us+f4"], seconds=20, snr_db=0, seed=3)
    data = soxr.resample(made.samples, RATE, 44_100)
    stereo = np.stack([data, data], axis=1).astype(np.float32)
    mono, both = find(tmp_path, made.samples), find(tmp_path, stereo, rate=44_100)
    assert both["speech_share"] == pytest.approx(mono["speech_share"], abs=0.02)
    assert both["duration_s"] == pytest.approx(20, abs=0.01)


@pytest.mark.parametrize("size", [160, 1009])
def test_windows_do_not_depend_on_how_the_stream_is_cut(size):
    data = samples.song(120, 12, rate=RATE)[0].mean(axis=1)[:, None]

    def cut(size):
        return (data[start : start + size] for start in range(0, len(data), size))

    def features(size):
        return np.concatenate([found for found, _ in speech_windows(cut(size))])

    whole = features(len(data))
    assert len(whole) == 12 / 0.2 + 1
    # Sums of float32 round by how many frames are taken at a time: some 3e-6 of a value.
    np.testing.assert_allclose(features(size), whole, rtol=1e-5, atol=1e-5)
    at_once, in_pieces = find_speech(cut(len(data))), find_speech(cut(size))
    np.testing.assert_allclose(in_pieces.likelihood, at_once.likelihood, atol=1e-5)
    assert in_pieces.segments == at_once.segments


def test_a_file_shorter_than_a_window_has_an_answer(tmp_path):
    path = tmp_path / "short.wav"
    soundfile.write(path, np.zeros(100), 8000)
    assert call_step("speechiness", audio=path)[0]["speech_share"] == 0
