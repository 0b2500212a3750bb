"""Masks lose nothing, streams need no whole file, and the parts are librosa's and the music's."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from beam_jobs.media.repeating import repeating, soft_mask
from beam_jobs.media.separation import running_median, separated, steady_and_sudden
from beam_jobs.media.spectral_mask import Masking, masked
from tests import samples

RATE = 22_050


def cut(data, size):
    return (data[start : start + size] for start in range(0, len(data), size))


def whole(pairs):
    return [np.concatenate(parts) for parts in zip(*pairs, strict=True)]


@pytest.mark.parametrize("frames", [1, 100, 2047, 2048, 30_000, 100_001])
@pytest.mark.parametrize("size", [313, 65_536])
def test_a_mask_of_ones_changes_nothing(frames, size):
    data = samples.noise(frames / RATE, rate=RATE, dbfs=-10, channels=2)
    keep = Masking(n_fft=1024, chunk=20, context=3, mask=np.ones_like)
    made = np.concatenate(list(masked(cut(data, size), keep)))
    assert made.shape == data.shape
    assert np.abs(made - data).max() < 1e-5


def test_the_mask_sees_every_frame_with_its_surroundings():
    data = samples.song(110, 20, rate=RATE)[0]

    def mask(magnitudes):
        return soft_mask(*steady_and_sudden(magnitudes, (9, 25)), margin=1)

    def made(chunk):
        return np.concatenate(
            list(masked(cut(data, 5000), Masking(n_fft=2048, chunk=chunk, context=4, mask=mask)))
        )

    assert np.abs(made(50) - made(10_000)).max() < 1e-3


def test_medians_and_parts_are_those_of_librosa():
    spectra = np.abs(librosa.stft(samples.song(120, 5, rate=RATE)[0].mean(axis=1)))
    steady, sudden = steady_and_sudden(spectra.T.copy(), (17, 17))
    expected = librosa.decompose.hpss(spectra, kernel_size=17, power=2.0, mask=True)[0]
    ours = soft_mask(steady, sudden, margin=1.0)
    heard = spectra.T > 1e-3
    # librosa mirrors without the outermost value repeated or with it, depending on its scipy.
    inside = np.zeros_like(heard)
    inside[10:-10, 10:-10] = True
    assert np.abs(ours - expected.T)[heard & inside].max() < 1e-3


def test_a_running_median_is_scipys():
    from scipy.ndimage import median_filter

    values = np.random.default_rng(0).random((7, 50), dtype=np.float32)
    assert np.array_equal(running_median(values, 9), median_filter(values, (1, 9), mode="reflect"))


def test_what_repeats_is_the_median_of_the_frames_that_librosa_finds_nearest():
    drawn = np.random.default_rng(0)
    mixed = drawn.random((300, 6)) ** 2 @ drawn.random((6, 200)) + 0.01 * drawn.random((300, 200))
    spectra = mixed.astype(np.float32)
    links = librosa.segment.recurrence_matrix(spectra.T, k=25, width=20, metric="cosine", mode="distance")
    expected = [np.median(spectra[np.flatnonzero(link)], axis=0) for link in links.T]
    ours = repeating(spectra, apart=20, neighbours=25)
    assert np.abs(ours - np.minimum(expected, spectra)).max() < 1e-5


@pytest.mark.parametrize("method", ["median", "repeating"])
@pytest.mark.parametrize("seconds", [0.001, 0.1, 3, 25])
def test_vocals_and_accompaniment_add_up_to_the_music(method, seconds):
    data = samples.song(100, max(seconds, 1), rate=RATE)[0][: max(1, round(seconds * RATE))]
    voice, rest = whole(separated(cut(data, 10_000), RATE, method))
    assert len(voice) == len(rest) == len(data)
    assert np.abs(voice + rest - data).max() < 1e-6


def gliding(seconds):
    """A voice: harmonics of a pitch that glides and trembles, with pauses."""
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 220 * 2 ** (0.3 * np.sin(2 * np.pi * 0.31 * time) + 0.03 * np.sin(2 * np.pi * 5.5 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    return (0.1 * voice * (np.sin(2 * np.pi * 0.4 * time) > -0.5)).astype(np.float32)


def test_a_gliding_voice_comes_out_of_a_song():
    voice, song = gliding(20), samples.song(120, 20, rate=RATE)[0].mean(axis=1)
    found, rest = whole(separated(cut((voice + song)[:, None], 20_000), RATE, "median"))

    def distortion(reference, estimate):
        return 10 * np.log10((reference**2).sum() / ((reference - estimate) ** 2).sum())

    assert distortion(voice, found[:, 0]) > 3 + distortion(voice, voice + song)
    assert distortion(song, rest[:, 0]) > 3 + distortion(song, voice + song)


def test_held_notes_and_drums_are_accompaniment():
    chords = sum(samples.tone(hertz, 10, rate=RATE, dbfs=-20) for hertz in (220, 277.2, 329.6))
    for data in (chords, samples.click_track(120, 10, rate=RATE)[0]):
        found, rest = whole(separated(cut(data, 20_000), RATE, "median"))
        assert (found**2).sum() < 0.15 * (rest**2).sum()
