from __future__ import annotations

import mir_eval
import numpy as np
import pytest
from pydantic import ValidationError

from beam_jobs.contract.step import load_step
from beam_jobs.media.arrays import read_arrays
from beam_jobs.media.pitch import _Path
from tests import samples, tunes
from tests.step_calls import call_step

RATE = 22_050
HOP = 512


def heard(tmp_path, data, **params):
    path = samples.write_audio(tmp_path / "in.wav", data, rate=RATE, subtype="FLOAT")
    made, _ = call_step("pitch", params, audio=path)
    return read_arrays(made)[1]


def score(truth_hz, made):
    """Return mir_eval's melody scores and the median error in cents."""
    made = {name: values[2:-2] for name, values in made.items()}  # frames that are whole
    times = np.arange(2, 2 + len(made["f0_hz"])) * HOP / RATE
    truth = truth_hz[np.minimum(np.round(times * RATE).astype(int), len(truth_hz) - 1)]
    told = np.where(made["voiced_flag"], made["f0_hz"], 0)
    scores = mir_eval.melody.evaluate(times, truth, times, told.astype(float))
    both = (truth > 0) & made["voiced_flag"]
    cents = np.abs(1200 * np.log2(made["f0_hz"][both] / truth[both]))
    return scores, float(np.median(cents))


@pytest.mark.parametrize(
    "pitch",
    [
        tunes.glissando(80, 1000, 6),
        tunes.glissando(900, 200, 4),
        tunes.vibrato(220, 4),
    ],
    ids=["rising", "falling", "vibrato"],
)
def test_a_pitch_that_moves_is_followed(tmp_path, pitch):
    scores, cents = score(pitch, heard(tmp_path, tunes.sung(pitch)))
    assert scores["Raw Pitch Accuracy"] > 0.99
    assert cents < 15


@pytest.mark.parametrize("octaves_per_s", [0.5, 1.0])
def test_a_fast_glissando_is_told_within_cents(tmp_path, octaves_per_s):
    pitch = tunes.glissando(150, 600, 2 / octaves_per_s)
    made = heard(tmp_path, tunes.sung(pitch))
    f0 = made["f0_hz"][3:-3]
    true = pitch[(3 + np.arange(len(f0))) * HOP]
    cents = np.abs(1200 * np.log2(f0 / true))
    assert np.isfinite(f0).all()
    assert np.median(cents) < 15
    assert cents.max() < 50


def test_pauses_are_unvoiced(tmp_path):
    sung = np.full(RATE, 330.0)
    pitch = np.concatenate([sung, np.zeros(RATE), sung, np.zeros(RATE)])
    data = tunes.sung(pitch) + samples.noise(4, rate=RATE, dbfs=-60)
    made = heard(tmp_path, data)
    scores, _ = score(pitch, made)
    assert scores["Voicing Recall"] == 1
    assert scores["Voicing False Alarm"] < 0.1  # frames that reach into a note
    np.testing.assert_array_equal(np.isnan(made["f0_hz"]), ~made["voiced_flag"])


@pytest.mark.parametrize(
    "params", [{}, {"fmin_hz": 100.0, "fmax_hz": 800.0, "hop": 256, "frame_length": 1024}]
)
def test_the_numbers_are_librosas(tmp_path, params):
    import librosa

    times = np.arange(0.2, 5, 0.31)
    data = tunes.played(tunes.melody(times), 5.5) + samples.noise(5.5, rate=RATE, dbfs=-50)
    data[RATE : 3 * RATE // 2] = 0
    made = heard(tmp_path, data, no_trough_prob=0.01, **params)
    asked = {"fmin_hz": 65.406, "fmax_hz": 2093.005, "hop": 512, "frame_length": 2048, **params}
    f0, flag, prob = librosa.pyin(
        data[:, 0], sr=RATE, fmin=asked["fmin_hz"], fmax=asked["fmax_hz"],
        frame_length=asked["frame_length"], hop_length=asked["hop"],
    )  # fmt: skip
    assert len(f0) == len(made["f0_hz"])
    assert (flag == made["voiced_flag"]).mean() > 0.99
    both = flag & made["voiced_flag"]
    assert np.isclose(f0[both], made["f0_hz"][both], rtol=1e-4).mean() > 0.99
    assert (np.abs(prob - made["voiced_prob"]) < 1e-3).mean() > 0.99


def test_paths_that_are_decided_early_are_those_of_the_whole(tmp_path, monkeypatch):
    from beam_jobs.media import pitch as module

    times = np.arange(0.2, 14, 0.4)
    data = tunes.played(tunes.melody(times, length_s=0.25), 14.5) + samples.noise(14.5, rate=RATE, dbfs=-50)
    monkeypatch.setattr(module, "_LAG_S", 60.0)
    whole = heard(tmp_path, data)
    monkeypatch.setattr(module, "_LAG_S", 2.0)
    monkeypatch.setattr(module, "_BATCH", 50)
    early = heard(tmp_path, data)
    for name, values in whole.items():
        np.testing.assert_array_equal(early[name], values)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"fmin_hz": 500, "fmax_hz": 500}, "semitone"),
        ({"fmin_hz": 20}, "frame_length 2206 or more"),
        ({"hop": 4096}, "leaves samples out"),
    ],
)
def test_params_that_contradict_each_other_are_refused(params, message):
    with pytest.raises(ValidationError, match=message):
        load_step("pitch").parse_params(params)


def test_what_is_not_decided_yet_keeps_nothing_alive():
    path = _Path(bins=10, rate=22_050, hop=512)
    frames = np.zeros((100, 10))
    for _ in range(3):
        states = path.add(frames, np.zeros(100))
        assert len(states) == 0
        assert states.base is None
