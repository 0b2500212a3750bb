from __future__ import annotations

import numpy as np
import pytest

from beam_jobs.media.key_profiles import PITCH_CLASSES
from beam_jobs.steps.key import KeyResult
from tests import samples, tunes
from tests.step_calls import call_step

KEYS = [(tonic, mode) for mode in ("major", "minor") for tonic in range(12)]


def heard(tmp_path, data, **params):
    path = samples.write_audio(tmp_path / "in.wav", data, rate=tunes.RATE, subtype="FLOAT")
    told = call_step("key", params, audio=path)[0]
    KeyResult.model_validate(told)
    return told


@pytest.mark.parametrize("profile", ["temperley", "krumhansl-kessler"])
def test_all_24_keys_are_known_by_scale_and_cadence(tmp_path, profile):
    told = [
        heard(tmp_path, tunes.played(tunes.scale_and_cadence(tonic, mode), 12), profile=profile)
        for tonic, mode in KEYS
    ]
    assert [(key["tonic"], key["mode"]) for key in told] == [(PITCH_CLASSES[t], mode) for t, mode in KEYS]
    assert all(key["confidence"] > 0 for key in told)


def test_all_24_keys_are_known_by_chords_alone(tmp_path):
    chords = {
        "major": [(0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7)],
        "minor": [(0, 3, 7), (5, 8, 12), (7, 11, 14), (0, 3, 7)],
    }
    told = [
        heard(tmp_path, tunes.played(tunes.progression([(tonic, chord) for chord in chords[mode]]), 4))
        for tonic, mode in KEYS
    ]
    assert [(key["tonic"], key["mode"]) for key in told] == [(PITCH_CLASSES[t], mode) for t, mode in KEYS]


@pytest.mark.parametrize("tonic", [0, 6, 10])
def test_a_progression_out_of_tune_under_drums_keeps_its_key(tmp_path, tonic):
    chords = [(0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14)] * 2
    notes = tunes.progression([(tonic, chord) for chord in chords])
    data = tunes.played([(at, key + 0.3, length) for at, key, length in notes], 8)
    data += 0.3 * samples.song(120, 8, rate=tunes.RATE)[0][:, :1] * samples.noise(8, rate=tunes.RATE, dbfs=0)
    told = heard(tmp_path, data)
    assert (told["tonic"], told["mode"]) == (PITCH_CLASSES[tonic], "major")
    assert told["tuning_semitones"] == pytest.approx(0.3, abs=0.03)


def test_the_chroma_are_those_of_the_notes(tmp_path):
    told = heard(tmp_path, tunes.played([(0, 57, 2.9), (0, 64, 2.9)], 3, harmonics=1))
    assert sum(told["chroma"]) == pytest.approx(1, abs=1e-3)
    assert set(np.argsort(told["chroma"])[-2:]) == {4, 9}


def test_silence_has_no_key(tmp_path):
    told = heard(tmp_path, np.zeros((tunes.RATE, 1), np.float32))
    assert {name for name, value in told.items() if value is not None} == {"duration_s"}
