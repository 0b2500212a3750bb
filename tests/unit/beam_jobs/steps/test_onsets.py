from __future__ import annotations

import mir_eval
import numpy as np
import pytest

from beam_jobs.steps.onsets import OnsetsResult
from tests import samples, tunes
from tests.step_calls import call_step


def heard(tmp_path, data, **params):
    tmp_path.mkdir(exist_ok=True)
    told = call_step(
        "onsets",
        params,
        audio=samples.write_audio(tmp_path / "in.wav", data, rate=tunes.RATE, subtype="FLOAT"),
    )[0]
    OnsetsResult.model_validate(told)
    return told


def spaced(drawn, *, shortest, longest):
    return 0.3 + np.cumsum(drawn.uniform(shortest, longest, 40))


@pytest.mark.parametrize("seed", range(3))
def test_the_notes_of_a_melody_are_found(tmp_path, seed):
    times = spaced(np.random.default_rng(seed), shortest=0.12, longest=0.6)
    data = tunes.played(tunes.melody(times, seed=seed), times[-1] + 1)
    data += samples.noise(len(data) / tunes.RATE, rate=tunes.RATE, dbfs=-60)
    told = heard(tmp_path, data)
    f, precision, recall = mir_eval.onset.f_measure(times, np.array(told["onsets_s"]), window=0.05)
    assert f > 0.95, (precision, recall)


def test_the_notes_of_a_melody_in_noise_are_found(tmp_path):
    times = spaced(np.random.default_rng(3), shortest=0.2, longest=0.6)
    data = tunes.played(tunes.melody(times, seed=3), times[-1] + 1)
    data += samples.noise(len(data) / tunes.RATE, rate=tunes.RATE, dbfs=-40)
    f, precision, recall = mir_eval.onset.f_measure(times, np.array(heard(tmp_path, data)["onsets_s"]))
    assert f > 0.9, (precision, recall)


def test_the_picks_are_those_of_librosa_one_frame_earlier(tmp_path):
    import librosa

    data = samples.song(110, 20, rate=tunes.RATE)[0][:, :1]
    told = heard(tmp_path, data)
    librosas = librosa.onset.onset_detect(y=data[:, 0], sr=tunes.RATE, units="time")
    ours = np.array(told["onsets_s"]) + 512 / tunes.RATE
    np.testing.assert_allclose(ours, librosas, atol=1e-4)


def test_noise_before_the_end_gives_no_more_onsets_than_by_librosa(tmp_path):
    import librosa

    for seed in range(8):
        data = samples.noise(5, rate=tunes.RATE, dbfs=-20, seed=seed)
        data[tunes.RATE :: tunes.RATE] = 0.99
        ours = np.array(heard(tmp_path / str(seed), data)["onsets_s"]) + 512 / tunes.RATE
        librosas = librosa.onset.onset_detect(y=data[:, 0], sr=tunes.RATE, units="time")
        np.testing.assert_allclose(ours, librosas, atol=1e-4)


def test_louder_notes_are_stronger(tmp_path):
    data = tunes.played([(at, 60 + at, 0.4) for at in range(1, 9)], 10)
    data[: 5 * tunes.RATE] *= 0.05
    told = heard(tmp_path, data)
    soft = [s for at, s in zip(told["onsets_s"], told["strengths"], strict=True) if at < 4.5]
    loud = [s for at, s in zip(told["onsets_s"], told["strengths"], strict=True) if at > 5.5]
    assert (len(soft), len(loud)) == (4, 3)
    assert np.mean(loud) > np.mean(soft)
    assert max(told["strengths"]) == 1


def test_a_higher_delta_and_a_longer_wait_leave_fewer(tmp_path):
    data = samples.song(120, 8, rate=tunes.RATE)[0][:, :1]
    default = heard(tmp_path, data)["onsets_s"]
    assert len(heard(tmp_path, data, delta=0.5)["onsets_s"]) < len(default)
    waited = heard(tmp_path, data, wait_s=0.4)["onsets_s"]
    assert len(waited) < len(default)
    assert np.diff(waited).min() >= 0.4 - 512 / tunes.RATE


def test_backtracked_onsets_are_never_later_and_increase(tmp_path):
    data = samples.song(120, 8, rate=tunes.RATE)[0][:, :1]
    peaks = np.array(heard(tmp_path, data)["onsets_s"])
    begins = np.array(heard(tmp_path, data, backtrack=True)["onsets_s"])
    assert (np.diff(begins) > 0).all()
    if len(begins) == len(peaks):
        assert (begins <= peaks).all()
    assert begins.mean() < peaks.mean()


def test_silence_has_no_onsets(tmp_path):
    told = heard(tmp_path, np.zeros((tunes.RATE * 3, 1), np.float32))
    assert (told["onsets_s"], told["strengths"], told["onsets_per_second"]) == ([], [], 0)


@pytest.mark.parametrize("seconds", [3, 4.321, 5, 10])
@pytest.mark.parametrize("hz", [100, 440, 3000])
def test_a_tone_that_goes_on_to_the_end_has_no_onsets(tmp_path, hz, seconds):
    told = heard(tmp_path, samples.tone(hz, seconds, rate=tunes.RATE))
    assert (told["onsets_s"], told["strengths"]) == ([], [])


@pytest.mark.parametrize("samples_more", [0, 1, 100, 256, 511])
def test_a_piece_cut_from_the_middle_of_a_note_ends_without_an_onset(tmp_path, samples_more):
    data = tunes.played([(at, 60 + at, 0.9) for at in range(1, 9)], 10)
    data = data[: 512 * 200 + samples_more]  # at 4.64 s
    told = heard(tmp_path, data)
    np.testing.assert_allclose(told["onsets_s"], [1, 2, 3, 4], atol=0.05)


@pytest.mark.parametrize("samples_more", [0, 1, 256, 511])
@pytest.mark.parametrize("before_s", [0.05, 0.075, 0.1, 0.2])
def test_an_onset_just_before_the_end_is_found(tmp_path, before_s, samples_more):
    data = samples.tone(440, 5, rate=tunes.RATE, dbfs=-12)[: 512 * 200 + samples_more]
    begin = len(data) - round(before_s * tunes.RATE)
    data[:begin] = 0
    np.testing.assert_allclose(heard(tmp_path, data)["onsets_s"], [begin / tunes.RATE], atol=0.03)
