"""What a picture shows is where the sound is: in time, in height, and nowhere else."""

from __future__ import annotations

import io

import numpy as np
import pytest
from librosa import mel_frequencies

from tests import samples
from tests.step_calls import call_step

RATE = 22_050
BANDS = 96
WIDTH, HEIGHT = 800, 400
LEFT, RIGHT, TOP, BOTTOM = 75, 12, 10, 50
"""What is left free around a panel, in pixels."""
INK = np.array([0x1F, 0x5F, 0x8B]) / 255


def panel(tmp_path, wave, name):
    """Return the pixels inside the frame of a picture of one panel, from top to bottom."""
    from matplotlib.image import imread

    path = samples.write_audio(tmp_path / "in.wav", wave, rate=RATE, subtype="FLOAT")
    png, _ = call_step("plots", {"panels": [name], "width_px": WIDTH, "height_px": HEIGHT}, audio=path)
    picture = imread(io.BytesIO(png))[..., :3]
    assert picture.shape[:2] == (HEIGHT, WIDTH)
    return picture[TOP + 1 : -BOTTOM - 1, LEFT + 1 : -RIGHT - 1]


def between_silence(sound, seconds):
    """Put a sound into the second of three equal parts."""
    wave = np.zeros((round(seconds * RATE), 1), np.float32)
    wave[len(wave) // 3 :][: len(sound)] = sound
    return wave


def columns(pixels, start, end):
    """Return the columns from one share of the time to another, less the edges of what is there."""
    width = pixels.shape[1]
    return pixels[:, round(start * width) + 10 : round(end * width) - 10]


@pytest.mark.parametrize("seconds", [6, 90])
@pytest.mark.parametrize("hertz", [200, 1000, 4000])
def test_a_tone_is_a_bright_line_at_its_height_while_it_sounds(tmp_path, hertz, seconds):
    tone = samples.tone(hertz, seconds / 3, rate=RATE, dbfs=-6)
    bright = panel(tmp_path, between_silence(tone, seconds), "mel_spectrogram").sum(axis=2)
    before, sounding, after = (columns(bright, k / 3, (k + 1) / 3) for k in range(3))
    assert before.max() < 0.1
    assert after.max() < 0.1
    centres = mel_frequencies(n_mels=BANDS + 2, fmax=RATE / 2)[1:-1]
    height = np.interp(hertz, centres, np.arange(BANDS) + 0.5) / BANDS
    expected = (1 - height) * len(bright)
    assert abs(sounding.argmax(axis=0) - expected).max() <= len(bright) / BANDS + 1
    assert sounding.max(axis=0).min() > 2
    far = abs(np.arange(len(bright)) - expected) > 6 * len(bright) / BANDS
    assert sounding[far].max() < 0.3


def test_a_louder_tone_is_brighter(tmp_path):
    tones = samples.tone(500, 6, rate=RATE, dbfs=-6) + samples.tone(4000, 6, rate=RATE, dbfs=-36)
    bright = columns(panel(tmp_path, tones, "mel_spectrogram").sum(axis=2), 0, 1)
    upper, lower = np.array_split(bright, [len(bright) // 3])
    assert lower.max(axis=0).min() > upper.max(axis=0).max() + 0.5
    assert upper.max(axis=0).min() > 0.5


@pytest.mark.parametrize("seconds", [6, 90])
def test_a_waveform_reaches_its_extremes_and_is_flat_in_silence(tmp_path, seconds):
    up = np.tile(np.array([[0.75], [-0.25]], np.float32), (round(seconds / 3 * RATE / 2), 1))
    pixels = panel(tmp_path, between_silence(up, seconds), "waveform")
    inked = np.abs(pixels - INK).max(axis=2) < 0.1
    before, sounding, after = (columns(inked, k / 3, (k + 1) / 3) for k in range(3))
    middle = (len(pixels) - 1) / 2
    for silent in (before, after):
        assert np.abs(np.nonzero(silent.any(axis=1))[0] - middle).max(initial=0) <= 1
    for column in sounding.T:
        rows = np.nonzero(column)[0]
        assert rows[0] == pytest.approx(middle * (1 - 0.75), abs=2)
        assert rows[-1] == pytest.approx(middle * (1 + 0.25), abs=2)
        assert len(rows) == rows[-1] - rows[0] + 1


def test_silence_is_a_picture_of_nothing(tmp_path):
    silence = np.zeros((2 * RATE, 1), np.float32)
    pixels = panel(tmp_path, silence, "waveform")
    rows = np.nonzero((pixels < 0.9).any(axis=(1, 2)))[0]
    assert len(rows) <= 3
    assert columns(panel(tmp_path, silence, "mel_spectrogram"), 0, 1).max() < 0.1
