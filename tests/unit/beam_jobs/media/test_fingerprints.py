"""A song is recognised from five seconds, after MP3 and under noise; another song is not."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import soundfile
import soxr

from beam_jobs.media.fingerprints import FingerprintIndex, fingerprint_of
from beam_jobs.media.landmarks import RATE, Landmarks, find_landmarks
from tests import damaged, samples
from tests.real_songs import real_songs

SONGS = 6
PART_S = 30
EXCERPT_S = 5
AT_S = 13.3


def melody(seed, seconds=PART_S, rate=22_050):
    """Stereo music of random notes with a stroke each, in a key and a tempo of its own."""
    drawn = np.random.default_rng(seed)
    data = np.zeros((round((seconds + 1) * rate), 2), np.float32)
    time = np.arange(round(0.8 * rate)) / rate
    root, beat, at = 90 * 2 ** (seed / 12.7), 0.1 + 0.011 * seed, 0.0
    while at < seconds - 0.8:
        hertz = root * 2 ** (drawn.choice([0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 19, 24]) / 12)
        note = sum(np.sin(2 * np.pi * k * hertz * time) / k**1.5 for k in range(1, 9)) * np.exp(-4 * time)
        note = note + 0.5 * drawn.standard_normal(len(time)) * np.exp(-25 * time)
        start = round(at * rate)
        data[start : start + len(time)] += 0.1 * note[:, None] * drawn.uniform(0.5, 1, 2)
        at += beat * drawn.choice([1, 2, 3])
    return data[: round(seconds * rate)], rate


def part(song):
    info = soundfile.info(song)
    start = max(0, (info.frames - PART_S * info.samplerate) // 2)
    return soundfile.read(song, frames=PART_S * info.samplerate, start=start, dtype="float32", always_2d=True)


def landmarks(data, rate):
    return find_landmarks(iter([soxr.resample(data.mean(axis=1), rate, RATE)[:, None]]))


@cache
def melody_landmarks(seed):
    return landmarks(*melody(seed))


@pytest.fixture(scope="module", params=["synthesised", "real"])
def music(request):
    if request.param == "synthesised":
        return [melody(seed) for seed in range(SONGS)]
    found = [song for song in real_songs() if soundfile.info(song).duration > PART_S]
    if len(found) < SONGS:
        pytest.skip("no real songs here; scripts/real_songs.sh brings them")
    return [part(song) for song in found[:: len(found) // SONGS][:SONGS]]


@pytest.fixture(scope="module")
def index(music):
    """All songs but the last."""
    made = FingerprintIndex()
    for number, (data, rate) in enumerate(music[:-1]):
        made.add(f"song{number}", landmarks(data, rate))
    return made


@pytest.mark.parametrize(
    "damage",
    [
        lambda data, rate: data,
        lambda data, rate: damaged.mp3(data, rate=rate, kbit=64),
        lambda data, rate: damaged.noisy(data, snr_db=10),
        lambda data, rate: 0.05 * data,
    ],
    ids=["cut", "mp3", "noise", "quiet"],
)
def test_five_seconds_are_enough(music, index, damage):
    for number, (data, rate) in enumerate(music[:-1]):
        excerpt = data[round(AT_S * rate) : round((AT_S + EXCERPT_S) * rate)]
        best, *_ = index.match(landmarks(damage(excerpt, rate), rate))
        assert best.item == f"song{number}"
        assert best.offset_s == pytest.approx(AT_S, abs=0.1)


def test_a_song_that_is_not_there_matches_none(music, index):
    data, rate = music[-1]
    for start in range(0, PART_S, EXCERPT_S):
        assert index.match(landmarks(data[start * rate : (start + EXCERPT_S) * rate], rate)) == []


def test_the_same_song_scores_one_at_its_beginning(music, index):
    best, *_ = index.match(landmarks(*music[2]))
    assert (best.item, best.offset_s) == ("song2", 0.0)
    assert best.score > 0.95


def test_items_added_after_a_search_are_found():
    index = FingerprintIndex()
    index.add("first", melody_landmarks(1))
    assert [match.item for match in index.match(melody_landmarks(1))] == ["first"]
    index.add("second", melody_landmarks(2))
    assert [match.item for match in index.match(melody_landmarks(2))] == ["second"]
    assert len(index) == 2


def test_silence_has_no_landmarks_and_matches_nothing():
    nothing = find_landmarks(iter([np.zeros((5 * RATE, 1), np.float32)]))
    assert len(nothing.frames) == 0
    index = FingerprintIndex()
    assert index.match(nothing) == []
    index.add("silence", nothing)
    index.add("song", melody_landmarks(1))
    assert index.match(nothing) == []


def test_landmarks_do_not_depend_on_how_the_stream_is_cut():
    data = soxr.resample(melody(3, seconds=70)[0].mean(axis=1), 22_050, RATE)[:, None]
    whole = find_landmarks(iter([data]))
    cut = find_landmarks(data[start : start + 997] for start in range(0, len(data), 997))
    assert np.array_equal(whole.frames, cut.frames)
    assert np.array_equal(whole.bins, cut.bins)
    assert (np.diff(whole.frames.astype(int)) >= 0).all()


def test_a_file_and_its_samples_have_the_same_fingerprint(tmp_path):
    data, rate = melody(4, seconds=8)
    path = samples.write_audio(tmp_path / "song.wav", data, rate=rate, subtype="FLOAT")
    of_file, of_samples = fingerprint_of(path), landmarks(data, rate)
    index = FingerprintIndex()
    index.add("song", of_samples)
    assert index.match(of_file)[0].score > 0.95
    assert isinstance(of_file, Landmarks)
