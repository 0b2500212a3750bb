"""A voice over music lowers the score; music alone and silence are instrumental."""

from __future__ import annotations

import numpy as np
import pytest

from beam_jobs.contract.step import load_step
from tests import samples
from tests.real_songs import real_songs
from tests.speech_tracks import RATE, at_rate, levelled, music, spoken, sung
from tests.step_calls import call_step

SECONDS = 20


def score(tmp_path, data):
    path = samples.write_audio(tmp_path / "in.wav", data.reshape(len(data), -1), rate=RATE, subtype="FLOAT")
    result = call_step("instrumentalness", audio=path)[0]
    load_step("instrumentalness").result.model_validate(result)
    return result


@pytest.fixture(scope="module")
def songs():
    """Music without vocals: real where there is some."""
    found = [song for song in real_songs() if "hyperrogue" in song.parts and "music" in song.parts][:3]
    if found:
        return [levelled(music(song, SECONDS, seed=2)) for song in found]
    made = [samples.song(bpm, SECONDS, seed=bpm)[0] for bpm in (84, 126)]
    return [levelled(at_rate(song.mean(axis=1), samples.RATE)) for song in made]


def test_music_without_vocals_is_instrumental(songs, tmp_path):
    found = [score(tmp_path, song)["instrumentalness"] for song in songs]
    # A solo instrument that glides looks like vocals: docs/accuracy.md has how often.
    assert sorted(found)[1] > 0.5


def test_singing_over_it_is_heard(songs, tmp_path):
    for number, song in enumerate(songs):
        result = score(tmp_path, song + sung(SECONDS, seed=number)[: len(song)])
        assert result["instrumentalness"] < 0.5
        assert result["vocal_ratio_db"] > score(tmp_path, song)["vocal_ratio_db"]


def test_speech_over_it_is_heard(songs, tmp_path):
    voice = levelled(spoken("en-us+f4")[: SECONDS * RATE])
    for song in songs:
        length = min(len(song), len(voice))
        result = score(tmp_path, song[:length] + voice[:length])
        assert result["instrumentalness"] < 0.5
        assert result["speech_likelihood"] > 0.3


def test_silence_is_instrumental_and_has_no_ratio(tmp_path):
    result = score(tmp_path, np.zeros(RATE, np.float32))
    assert result["instrumentalness"] == 1
    assert result["vocal_ratio_db"] is None


def test_the_level_does_not_matter(songs, tmp_path):
    loud, quiet = score(tmp_path, songs[0]), score(tmp_path, 0.2 * songs[0])
    assert quiet["vocal_ratio_db"] == pytest.approx(loud["vocal_ratio_db"], abs=0.5)
