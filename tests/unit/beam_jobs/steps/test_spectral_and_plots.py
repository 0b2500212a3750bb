from __future__ import annotations

import io

import numpy as np
import pytest

from tests import samples
from tests.step_calls import call_step


@pytest.fixture
def song(tmp_path):
    return samples.write_audio(
        tmp_path / "song.wav", samples.song(120, 6, rate=22_050)[0][:, :1], rate=22_050, subtype="FLOAT"
    )


def test_the_summary_agrees_with_librosa(song):
    import librosa

    told, _ = call_step("spectral", audio=song)
    samples_, rate = librosa.load(song, sr=None)
    spectrum = np.abs(librosa.stft(samples_, n_fft=2048, hop_length=512))
    mel = librosa.power_to_db(librosa.feature.melspectrogram(S=spectrum**2, sr=rate, n_mels=128), top_db=None)
    ours = np.array(told["mel_db"]["mean"])
    assert ours.shape == (128,)
    apart = ours - mel.mean(axis=1)
    assert np.abs(apart - np.median(apart)).max() < 0.5  # another reference level is no other spectrum
    heard = spectrum[:, spectrum.any(axis=0)]  # a frame of silence has no shape
    centroid = librosa.feature.spectral_centroid(S=heard, sr=rate)
    assert told["centroid_hz"]["mean"][0] == pytest.approx(centroid.mean(), rel=0.02)
    rolloff = librosa.feature.spectral_rolloff(S=heard, sr=rate)
    assert told["rolloff_hz"]["mean"][0] == pytest.approx(rolloff.mean(), rel=0.03)


def test_a_tone_has_its_centroid_at_its_frequency(tmp_path):
    path = samples.write_audio(
        tmp_path / "tone.wav", samples.tone(3000, 3, rate=22_050), rate=22_050, subtype="FLOAT"
    )
    told, _ = call_step("spectral", audio=path)
    assert told["centroid_hz"]["mean"][0] == pytest.approx(3000, rel=0.01)


def test_frames_of_silence_have_no_shape(tmp_path):
    path = samples.write_audio(tmp_path / "silence.wav", np.zeros((22_050, 1), np.float32), rate=22_050)
    told, _ = call_step("spectral", audio=path)
    assert told["silent_frames"] == told["frames"]
    assert told["centroid_hz"]["mean"] == []


@pytest.mark.parametrize(("panels", "height"), [(["waveform"], 200), (["waveform", "mel_spectrogram"], 400)])
def test_a_picture_has_the_size_that_was_asked_for(song, panels, height):
    from matplotlib.image import imread

    png, _ = call_step("plots", {"panels": panels, "width_px": 640, "height_px": 200}, audio=song)
    picture = imread(io.BytesIO(png))
    assert abs(picture.shape[1] - 640) <= 1
    assert abs(picture.shape[0] - height) <= 80
    assert np.ptp(picture[..., :3]) > 0.5
