from __future__ import annotations

import numpy as np
import pytest
import soundfile

from scripts.demo_songs import SONGS, SPEECH, make_songs
from tests.step_calls import call_step


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in make_songs(folder)}


def test_there_are_a_few_songs_of_several_kinds_and_two_of_speech(songs):
    assert set(songs) == {song.item for song in SONGS} | set(SPEECH)
    assert len({item.split("/")[0] for item in songs}) >= 6
    assert sum(item.startswith("speech/") for item in songs) == 2


def test_all_are_stereo_vorbis_of_a_length_one_listens_to(songs):
    for item, path in songs.items():
        info = soundfile.info(path)
        assert (info.format, info.subtype, info.channels) == ("OGG", "VORBIS", 2), item
        assert 10 <= info.duration <= 30, item


def test_none_is_silent_or_clipped(songs):
    for item, path in songs.items():
        peak = np.abs(soundfile.read(path)[0]).max()
        assert 0.1 < peak < 1, item


@pytest.mark.parametrize("song", SONGS, ids=lambda song: song.item)
def test_the_beat_tracker_hears_the_tempo_that_a_song_was_written_in(songs, song):
    told, _ = call_step("beat_tracking", audio=songs[song.item])
    ratio = told["tempo_bpm"] / song.bpm
    assert min(abs(ratio - octave) / octave for octave in (0.5, 1)) < 0.02


def test_speech_pauses_between_sentences_and_no_song_does(songs):
    def quiet(path):
        samples, rate = soundfile.read(path)
        middle = samples[rate : -3 * rate, 0]
        frames = middle[: len(middle) // 2048 * 2048].reshape(-1, 2048)
        return np.mean(np.sqrt(np.mean(frames**2, axis=1)) < 0.005)

    for item, path in songs.items():
        assert (quiet(path) > 0.05) == item.startswith("speech/"), item


def test_they_are_the_same_every_time(songs, tmp_path):
    again = make_songs(tmp_path, count=1)
    for path in again:
        first = songs[path.relative_to(tmp_path).with_suffix("").as_posix()]
        assert np.array_equal(soundfile.read(path)[0], soundfile.read(first)[0])


def test_what_is_there_is_left_alone(tmp_path):
    make_songs(tmp_path, seconds=2, count=1)
    song = tmp_path / f"{SONGS[0].item}.ogg"
    song.write_bytes(b"mine")
    make_songs(tmp_path, seconds=2, count=1)
    assert song.read_bytes() == b"mine"


def test_nothing_but_songs_is_left_behind(songs):
    folder = songs[SONGS[0].item].parents[1]
    assert {path for path in folder.rglob("*") if path.is_file()} == set(songs.values())
