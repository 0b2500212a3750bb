"""Short-time spectra over a stream: the frames that librosa gives for the whole signal, in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft
from scipy.signal import get_window

from beam_jobs.media.audio import Block

Frames = npt.NDArray[np.float32]
"""Shape (frames, bands)."""

ANALYSIS_RATE: Final = 22050
N_FFT: Final = 2048
HOP: Final = 512


def power_frames(blocks: Iterator[Block], n_fft: int = N_FFT, hop: int = HOP) -> Iterator[Frames]:
    """Yield the power spectrogram of a mono stream.

    The frames are those of ``abs(librosa.stft(y, n_fft, hop)) ** 2``: periodic Hann window, frame ``t``
    centred on sample ``t * hop``, zeros beyond both ends.

    :param blocks: shape (frames, 1) each.
    :return: arrays of shape (frames, 1 + n_fft // 2); 1 + samples // hop frames in all.
    """
    window = get_window("hann", n_fft, fftbins=True).astype(np.float32)
    for views in framed(blocks, n_fft, hop):
        spectrum = rfft(views * window, axis=1)
        power: Frames = spectrum.real**2 + spectrum.imag**2
        yield power


def framed(blocks: Iterator[Block], length: int, hop: int) -> Iterator[Frames]:
    """Yield the frames of a mono stream as views: frame ``t`` is centred on sample ``t * hop``.

    :param blocks: shape (frames, 1) each; zeros are put before the first and after the last.
    :return: arrays of shape (frames, length); 1 + samples // hop frames in all.
    """
    edge = np.zeros(length // 2, np.float32)
    rest = edge
    for block in blocks:
        rest = np.concatenate([rest, block[:, 0]])
        count = 1 + (len(rest) - length) // hop
        if count > 0:
            yield _views(rest, length, count, hop)
            rest = rest[count * hop :]
    rest = np.concatenate([rest, edge])
    count = 1 + (len(rest) - length) // hop
    if count > 0:
        yield _views(rest, length, count, hop)


def _views(samples: npt.NDArray[np.float32], length: int, count: int, hop: int) -> Frames:
    views: Frames = np.lib.stride_tricks.sliding_window_view(samples, length)[: count * hop : hop]
    return views


@lru_cache(maxsize=8)
def mel_weights(
    rate: int, n_mels: int, n_fft: int = N_FFT, fmin: float = 0.0, fmax: float | None = None
) -> npt.NDArray[np.float32]:
    """Return the Slaney mel filter bank of librosa, transposed: shape (1 + n_fft // 2, n_mels).

    :param fmin: Hz, where the first band begins.
    :param fmax: Hz, where the last one ends; None = half of ``rate``.
    """
    from librosa.filters import mel

    bank = mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)
    weights = np.ascontiguousarray(bank.T, dtype=np.float32)
    weights.setflags(write=False)
    return weights


def decibels(power: npt.NDArray[np.float32], floor: float = 1e-10) -> npt.NDArray[np.float32]:
    """Return ``10 log10(max(power, floor))``."""
    level: npt.NDArray[np.float32] = 10 * np.log10(np.maximum(power, np.float32(floor)))
    return level
