"""What tells speech from music, per window of a stream.

Speech changes three to seven times a second, in all bands at once, and has pauses; its pitch glides and is
there half of the time; music holds its notes (J. Saunders 1996; E. Scheirer & M. Slaney, "Construction and
evaluation of a robust multifeature speech/music discriminator", ICASSP 1997).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import dct, irfft, rfft

from beam_jobs.media.audio import Block
from beam_jobs.media.spectrum import Frames, decibels, power_frames

RATE: Final = 16_000
N_FFT: Final = 512
HOP: Final = 160
WINDOW: Final = 160
STEP: Final = 20
"""A window is 1.6 s of frames, one every 0.2 s."""

_BANDS: Final = 24
_BAND_HZ: Final = (80.0, 7_000.0)
_MFCC: Final = 13
_LAGS: Final = slice(RATE // 400, RATE // 75)
"""Of pitches from 75 to 400 Hz."""

_FLOOR: Final = 1e-4
"""Of a band's power: about -70 dBFS."""

_VOICED: Final = 0.5
_LEAP: Final = 0.25
"""Octaves from frame to frame that no voice glides."""

_STILL: Final = 0.004
_SLOW, _SYLLABLES, _FAST = (0.9, 2.4), (2.4, 7.1), (7.1, 20.1)
"""Hertz of modulation."""

Windows = npt.NDArray[np.float32]


def speech_windows(blocks: Iterator[Block]) -> Iterator[tuple[Windows, Windows]]:
    """Yield the features and the level of windows of a mono stream at :data:`RATE`.

    Window ``k`` lies around the frames ``k * STEP`` to ``(k + 1) * STEP``; beyond both ends is silence.

    :return: shape (windows, features), and (windows,): mean power in dB.
    """
    before = (WINDOW - STEP) // 2
    kept = np.full((before, _columns()), 0, np.float32)
    kept[:, : _BANDS + 1] = 10 * np.log10(_FLOOR)
    edge = kept
    for power in power_frames(blocks, N_FFT, HOP):
        kept = np.concatenate([kept, _describe(power)])
        count = max(0, 1 + (len(kept) - WINDOW) // STEP)
        if count:
            yield _summarise(kept, count)
            kept = kept[count * STEP :]
    kept = np.concatenate([kept, edge, edge[:STEP]])
    count = max(0, 1 + (len(kept) - WINDOW) // STEP)
    if count:
        yield _summarise(kept, count)


def _columns() -> int:
    return _BANDS + 6


@lru_cache(maxsize=1)
def _mel() -> npt.NDArray[np.float32]:
    from librosa.filters import mel

    weights = mel(sr=RATE, n_fft=N_FFT, n_mels=_BANDS, fmin=_BAND_HZ[0], fmax=_BAND_HZ[1], norm=None)
    return np.ascontiguousarray(weights.T, dtype=np.float32)


@lru_cache(maxsize=1)
def _window_correlation() -> npt.NDArray[np.float32]:
    """Return how the window itself fades with the lag, to take it out of a correlation."""
    from scipy.signal import get_window

    window = get_window("hann", N_FFT, fftbins=True)
    whole = np.correlate(window, window, "full")[N_FFT - 1 :]
    return np.asarray(whole / whole[0], np.float32)


def _describe(power: Frames) -> Frames:
    """Return per frame: bands in dB, level in dB, log centroid, flatness, harmonicity, log pitch, flux."""
    bands = decibels(power @ _mel(), _FLOOR)
    hz = np.fft.rfftfreq(N_FFT, 1 / RATE).astype(np.float32)
    inner = power[:, 5:220] + np.float32(_FLOOR / 50)
    total = inner.sum(axis=1)
    centroid = np.log2((inner @ hz[5:220]) / total)
    flatness = np.exp(np.log(inner).mean(axis=1)) / (total / inner.shape[1])
    # Of what is repeated without end; the window is near zero where that matters.
    correlation = irfft(power, axis=1)[:, : N_FFT // 2]
    normal = correlation / (correlation[:, :1] + np.float32(1e-3)) / _window_correlation()[: N_FFT // 2]
    voiced = normal[:, _LAGS]
    lag = voiced.argmax(axis=1)
    harmonicity = np.clip(voiced[np.arange(len(voiced)), lag], 0, 1)
    pitch = np.log2(RATE / (lag + _LAGS.start))
    level = decibels(total / N_FFT, _FLOOR)
    flux = np.zeros(len(power))
    columns = [level, centroid, flatness, harmonicity, pitch, flux]
    return np.concatenate([bands, np.stack(columns, axis=1)], axis=1).astype(np.float32)


def _summarise(frames: Frames, count: int) -> tuple[Windows, Windows]:
    views = np.lib.stride_tricks.sliding_window_view(frames, WINDOW, axis=0)[: count * STEP : STEP]
    windows = np.ascontiguousarray(views.transpose(0, 2, 1))
    bands = windows[:, :, :_BANDS]
    level, centroid, flatness, harmonicity, pitch = (windows[:, :, _BANDS + k] for k in range(5))
    cepstra = dct(bands, type=2, norm="ortho", axis=2)[:, :, :_MFCC]
    change = np.diff(cepstra, axis=1)
    flux = np.abs(np.diff(bands, axis=1)).mean(axis=2)
    features = [
        cepstra[:, :, 1:].mean(axis=1),
        cepstra.std(axis=1),
        change.std(axis=1),
        *(_moments(values) for values in (level, centroid, flatness, harmonicity, flux)),
        _rhythm(bands, level),
        _melody(harmonicity, pitch),
    ]
    power = 10 * np.log10((10 ** (level / 10)).mean(axis=1))
    return np.concatenate(features, axis=1).astype(np.float32), power.astype(np.float32)


def _moments(values: Windows) -> Windows:
    low, high = np.percentile(values, [10, 90], axis=1)
    median = np.median(values, axis=1)
    found = [values.std(axis=1), high - median, median - low]
    return np.stack(found, axis=1)


def _rhythm(bands: Windows, level: Windows) -> Windows:
    """Return shares of slow modulation, that of syllables, and fast one, and of quiet frames."""
    centred = bands - bands.mean(axis=1, keepdims=True)
    window = np.hanning(WINDOW).astype(np.float32)[:, None]
    spectrum = np.abs(rfft(centred * window, axis=1)) ** 2
    hz = np.fft.rfftfreq(WINDOW, HOP / RATE)
    total = spectrum[:, hz > 0].sum(axis=1).mean(axis=1) + 1
    shares = [
        spectrum[:, (hz >= low) & (hz < high)].sum(axis=1).mean(axis=1) / total
        for low, high in (_SLOW, _SYLLABLES, _FAST)
    ]
    together = spectrum[:, (hz >= _SYLLABLES[0]) & (hz < _SYLLABLES[1])].sum(axis=1)
    spread = together.std(axis=1) / (together.mean(axis=1) + 1)
    quiet = level < 10 * np.log10((10 ** (level / 10)).mean(axis=1, keepdims=True)) - 6
    return np.stack([*shares, spread, quiet.mean(axis=1), np.log10(total)], axis=1)


def _melody(harmonicity: Windows, pitch: Windows) -> Windows:
    """Return how much is voiced, in how many runs, and how the pitch moves there."""
    voiced = harmonicity > _VOICED
    share = voiced.mean(axis=1)
    turns = np.abs(np.diff(voiced.astype(np.int8), axis=1)).mean(axis=1)
    both = voiced[:, 1:] & voiced[:, :-1]
    move = np.abs(np.diff(pitch, axis=1))
    small = both & (move < _LEAP)
    pairs = np.maximum(small.sum(axis=1), 1)
    glide = (move * small).sum(axis=1) / pairs
    still = ((move < _STILL) & small).sum(axis=1) / pairs
    jumps = (both & (move >= _LEAP)).sum(axis=1) / np.maximum(both.sum(axis=1), 1)
    counted = np.maximum(voiced.sum(axis=1), 1)
    mean = (pitch * voiced).sum(axis=1) / counted
    spread = np.sqrt(((pitch - mean[:, None]) ** 2 * voiced).sum(axis=1) / counted)
    return np.stack([share, turns, glide, still, jumps, spread], axis=1)
