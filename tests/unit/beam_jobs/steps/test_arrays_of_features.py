"""The array steps give librosa's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from beam_jobs.contract.step import load_step
from beam_jobs.media import chroma as chroma_module
from beam_jobs.media.arrays import read_arrays
from tests import samples, tunes
from tests.step_calls import call_step

RATE = 22_050


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """Drums and chords a quarter of a semitone sharp, then near silence, then a melody."""
    drums = samples.song(110, 12, rate=RATE)[0].mean(axis=1, keepdims=True)
    chords = tunes.played(
        [(at, key + 0.25, length) for at, key, length in tunes.scale_and_cadence(2, "minor")], 12
    )
    times = np.arange(0.2, 8, 0.31)
    last = tunes.played(tunes.melody(times), 8)
    data = np.concatenate([0.3 * drums + chords, samples.noise(2, rate=RATE, dbfs=-110), last])
    path = tmp_path_factory.mktemp("song") / "song.wav"
    return samples.write_audio(path, data.astype(np.float32), rate=RATE, subtype="FLOAT"), data[:, 0].astype(
        np.float32
    )


def arrays(name, path, **params):
    made, _ = call_step(name, params, audio=path)
    return read_arrays(made)


def test_the_mel_spectrogram_is_librosas(song):
    import librosa

    path, y = song
    header, made = arrays("mel_spectrogram", path)
    want = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=RATE)).T
    assert made["mel"].dtype == np.float32
    np.testing.assert_allclose(made["mel"], want, atol=0.01)
    assert (header["rate_hz"], header["hop"], header["arrays"]["mel"]["unit"]) == (RATE, 512, "dB re 1")


def test_the_mel_spectrogram_is_librosas_with_other_parameters(song):
    import librosa

    path, y = song
    header, made = arrays(
        "mel_spectrogram", path,
        n_fft=1024, hop=300, n_mels=40, fmin_hz=60, fmax_hz=7600, scale="power",
    )  # fmt: skip
    want = librosa.feature.melspectrogram(
        y=y, sr=RATE, n_fft=1024, hop_length=300, n_mels=40, fmin=60, fmax=7600
    ).T
    np.testing.assert_allclose(made["mel"], want, rtol=1e-3, atol=1e-5)
    assert header["arrays"]["mel"]["unit"] == "1"
    assert header["params"].items() >= {
        "n_fft": 1024, "hop": 300, "n_mels": 40, "fmin_hz": 60, "fmax_hz": 7600, "scale": "power",
        "sample_rate": RATE,
    }.items()  # fmt: skip


def test_float16_is_half_the_size_and_near(song):
    path, _ = song
    full, half = (arrays("mel_spectrogram", path, dtype=name)[1]["mel"] for name in ("float32", "float16"))
    assert half.dtype == np.float16
    assert np.abs(half.astype(np.float32) - full).max() <= 1 / 32


def test_without_top_db_silence_is_as_low_as_it_is(song):
    path, _ = song
    floored, whole = (arrays("mel_spectrogram", path, top_db=top)[1]["mel"] for top in (80, None))
    assert floored.min() == pytest.approx(floored.max() - 80, abs=1e-3)
    assert whole.min() < floored.min() - 5
    np.testing.assert_array_equal(np.maximum(whole, floored.min()), floored)


def test_the_mfcc_are_librosas(song):
    import librosa

    path, y = song
    _, made = arrays("mfcc", path, n_mfcc=13)
    np.testing.assert_allclose(made["mfcc"], librosa.feature.mfcc(y=y, sr=RATE, n_mfcc=13).T, atol=0.02)


@pytest.mark.parametrize("params", [{}, {"n_fft": 4096, "hop": 1024}, {"tuning": 0.1}])
def test_the_chroma_are_librosas(song, params):
    import librosa

    path, y = song
    _, made = arrays("chroma", path, **params)
    names = {"hop": "hop_length"}
    want = librosa.feature.chroma_stft(y=y, sr=RATE, **{names.get(k, k): v for k, v in params.items()}).T
    np.testing.assert_allclose(made["chroma"], want, atol=1e-4)


def test_the_tuning_is_heard(song):
    assert arrays("chroma", song[0])[1]["tuning"] == pytest.approx(0.25, abs=0.03)


def test_chroma_do_not_depend_on_how_much_was_held_for_the_tuning(song, monkeypatch):
    _, whole = arrays("chroma", song[0])
    monkeypatch.setattr(chroma_module, "HELD_BYTES", 1 << 20)
    _, part = arrays("chroma", song[0], tuning=float(whole["tuning"]))
    np.testing.assert_array_equal(part["chroma"], whole["chroma"])
    _, heard = arrays("chroma", song[0])
    assert heard["chroma"].shape == whole["chroma"].shape
    assert abs(heard["tuning"] - whole["tuning"]) < 0.05


@pytest.mark.parametrize("name", ["mel_spectrogram", "mfcc", "chroma"])
def test_stereo_of_another_rate_is_mixed_and_resampled(name, tmp_path):
    tone = samples.tone(440, 2, channels=2, rate=48_000)
    path = samples.write_audio(tmp_path / "a.flac", tone, rate=48_000)
    _, made = arrays(name, path)
    (values,) = (array for array in made.values() if array.ndim == 2)
    assert len(values) == 1 + 2 * RATE // 512
    assert np.isfinite(values).all()
    if name == "chroma":
        assert (values[5:-5].argmax(axis=1) == 9).all()


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("mel_spectrogram", {"fmin_hz": 9000, "fmax_hz": 8000}, "fmin_hz < fmax_hz"),
        ("mel_spectrogram", {"fmax_hz": 12_000}, "half of sample_rate"),
        ("mel_spectrogram", {"hop": 4096}, "leaves samples out"),
        ("mel_spectrogram", {"scale": "power", "dtype": "float16"}, "65504"),
        ("mfcc", {"n_mfcc": 64, "n_mels": 40}, "raise n_mels"),
        ("chroma", {"hop": 4096}, "leaves samples out"),
    ],
)
def test_params_that_contradict_each_other_are_refused(name, params, message):
    with pytest.raises(ValidationError, match=message):
        load_step(name).parse_params(params)
