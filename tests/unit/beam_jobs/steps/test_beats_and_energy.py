from __future__ import annotations

import json

import mir_eval
import numpy as np
import pytest

from beam_jobs.contract.errors import UndecodableMedia
from tests import samples, tunes
from tests.step_calls import call_step


def track(tmp_path, data, rate=22_050, **params):
    return call_step(
        "beat_tracking", params, audio=samples.write_audio(tmp_path / "in.wav", data, rate=rate)
    )[0]


def beats_score(times, told):
    """Return mir_eval's F-measure after five seconds."""
    return mir_eval.beat.f_measure(
        mir_eval.beat.trim_beats(times), mir_eval.beat.trim_beats(np.array(told["beats_s"]))
    )


@pytest.mark.parametrize("bpm", [60, 72, 90, 110, 120, 140, 160, 180, 200])
def test_the_beats_of_a_click_track_are_found(tmp_path, bpm):
    data, times = samples.click_track(bpm, 20)
    told = track(tmp_path, data)
    assert told["tempo_bpm"] == pytest.approx(bpm, rel=0.02)
    assert beats_score(times, told) > 0.9


@pytest.mark.parametrize("off", [1 / 2, 2 / 3], ids=["straight", "swing"])
@pytest.mark.parametrize("bpm", [90, 120, 150])
def test_the_beats_of_kick_snare_hat_and_bass_are_found(tmp_path, bpm, off):
    times = tunes.steady(bpm, 20)
    told = track(tmp_path, tunes.band(times, 20, off=off))
    assert told["tempo_bpm"] == pytest.approx(bpm, rel=0.02)
    assert beats_score(times, told) > 0.95


def test_beats_follow_a_tempo_that_rises(tmp_path):
    times = tunes.changing(lambda at: 100 * (1 + 0.2 * at / 30), 30)
    told = track(tmp_path, tunes.band(times, 30))
    assert beats_score(times, told) > 0.9


def test_music_that_is_as_strong_between_its_beats_is_twice_as_fast(tmp_path):
    times = tunes.steady(170, 20)
    told = track(tmp_path, tunes.played(tunes.melody(times, length_s=0.3), 20))
    assert told["tempo_bpm"] == pytest.approx(170, rel=0.02)
    assert beats_score(times, told) > 0.95


@pytest.mark.parametrize("bpm", [96, 124])
def test_the_beats_of_a_band_are_found(tmp_path, bpm):
    data, times = samples.song(bpm, 20)
    told = track(tmp_path, data, rate=samples.RATE)
    assert told["tempo_bpm"] == pytest.approx(bpm, rel=0.02)
    assert beats_score(times, told) > 0.9


def test_beats_increase_and_lie_within_the_audio(tmp_path):
    told = track(tmp_path, samples.song(120, 8)[0], rate=samples.RATE)
    beats = np.array(told["beats_s"])
    assert (np.diff(beats) > 0).all()
    assert beats[0] >= 0
    assert beats[-1] <= told["duration_s"]


def test_audio_without_a_pulse_has_no_tempo(tmp_path):
    told = track(tmp_path, np.zeros((22_050 * 5, 1), np.float32))
    assert (told["tempo_bpm"], told["beats_s"]) == (None, [])


@pytest.mark.parametrize("seconds", [3, 4.321, 5, 10])
@pytest.mark.parametrize("hz", [100, 440, 3000])
def test_a_tone_that_goes_on_to_the_end_has_no_tempo(tmp_path, hz, seconds):
    told = track(tmp_path, samples.tone(hz, seconds, rate=22_050))
    assert (told["tempo_bpm"], told["beats_s"], told["pulse_clarity"]) == (None, [], 0)


def test_one_beat_alone_is_no_pulse(tmp_path):
    data = np.zeros((22_050 * 5, 1), np.float32)
    data[22_050 * 2] = 0.9
    told = track(tmp_path, data)
    assert (told["tempo_bpm"], told["beats_s"]) == (None, [])


@pytest.mark.parametrize("bpm", [60, 113, 120, 200])
def test_a_metronome_is_clear(tmp_path, bpm):
    data, _ = samples.click_track(bpm, 20)
    assert track(tmp_path, data)["pulse_clarity"] > 0.85
    noisy = data + samples.noise(len(data) / 22_050, rate=22_050, dbfs=-40)[: len(data)]
    assert track(tmp_path, noisy)["pulse_clarity"] > 0.8


@pytest.mark.parametrize("seed", range(3))
def test_noise_and_clicks_at_random_are_not_clear(tmp_path, seed):
    white = samples.noise(20, rate=22_050, dbfs=-20, seed=seed)
    assert track(tmp_path, white)["pulse_clarity"] < 0.25
    brown = np.cumsum(white, axis=0, dtype=np.float64)
    assert track(tmp_path, (0.9 * brown / np.abs(brown).max()).astype(np.float32))["pulse_clarity"] < 0.25
    clicks = np.zeros((22_050 * 20, 1), np.float32)
    clicks[np.random.default_rng(seed).integers(0, len(clicks), 40)] = 0.9
    assert track(tmp_path, clicks)["pulse_clarity"] < 0.25


def test_unsteady_playing_is_less_clear_than_steady_and_a_melody_at_random_least(tmp_path):
    drawn = np.random.default_rng(0)
    times = tunes.steady(110, 20)
    anywhere = 0.3 + np.cumsum(drawn.uniform(0.12, 0.6, 50))
    steady, unsteady, free = (
        track(tmp_path, data)["pulse_clarity"]
        for data in (
            tunes.band(times, 20),
            tunes.band(times + drawn.normal(0, 0.02, len(times)), 20),
            tunes.played(tunes.melody(anywhere), anywhere[-1] + 1),
        )
    )
    assert steady > 0.85
    assert 0.5 < unsteady < steady
    assert free < 0.3


def energy(tmp_path, data, beats):
    audio = samples.write_audio(tmp_path / "in.wav", data, rate=22_050, subtype="FLOAT")
    (tmp_path / "beats.json").write_text(json.dumps(beats))
    return call_step("energy", audio=audio, beats=tmp_path / "beats.json")[0]


def test_the_level_of_each_beat_is_its_own(tmp_path):
    data = np.concatenate([samples.tone(1000, 1, rate=22_050, dbfs=level) for level in (-40, -10, -20)])
    told = energy(tmp_path, data, {"beats_s": [0.0, 1.0, 2.0]})
    assert [beat["rms_dbfs"] for beat in told["beats"]] == pytest.approx([-43.01, -13.01, -23.01], abs=0.02)
    assert [(beat["start_s"], beat["end_s"]) for beat in told["beats"]] == [(0, 1), (1, 2), (2, 3)]


def test_a_beat_beyond_the_end_is_counted_apart(tmp_path):
    told = energy(tmp_path, samples.tone(440, 1, rate=22_050), {"beats_s": [0.5, 3.0]})
    assert (len(told["beats"]), told["beats_outside"]) == (1, 1)


@pytest.mark.parametrize(
    "beats", [{}, [], {"beats_s": None}, {"beats_s": ["x"]}, {"beats_s": [1, 0.5]}, {"beats_s": [-1]}]
)
def test_beats_that_are_none_are_refused(tmp_path, beats):
    with pytest.raises(UndecodableMedia, match="beats"):
        energy(tmp_path, samples.tone(440, 1, rate=22_050), beats)
