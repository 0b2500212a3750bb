"""Parts of sound kept by a mask over the spectrogram, in a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, rfft
from scipy.signal import get_window

from beam_jobs.media.audio import Block

Magnitudes = npt.NDArray[np.float32]
"""Shape (frames, bins)."""

_OVERLAP: Final = 4
_GAIN: Final = 1.5
"""Sum of the squares of four periodic Hann windows a quarter apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Masking:
    """How to keep a part.

    :param n_fft: samples of a window; the next begins a quarter later.
    :param chunk: frames for which the mask is made at once.
    :param context: frames that it sees, beside those, on each side.
    :param mask: from magnitudes of shape (frames, bins) to factors of the same shape.
    """

    n_fft: int
    chunk: int
    context: int
    mask: Callable[[Magnitudes], Magnitudes]

    @property
    def hop(self) -> int:
        """Samples from one window to the next."""
        return self.n_fft // _OVERLAP


def masked(blocks: Iterator[Block], masking: Masking) -> Iterator[Block]:
    """Yield what the mask leaves of ``blocks``, as many frames as came; all channels get the same mask.

    With factors of one the signal comes out as it went in.
    """
    n_fft, hop, context = masking.n_fft, masking.hop, masking.context
    inner = _Inner(masking)
    kept: Block | None = None
    before = came = 0
    for block in blocks:
        if kept is None:
            kept = np.zeros((n_fft - hop, block.shape[1]), np.float32)
        kept = np.concatenate([kept, block])
        came += len(block)
        while len(kept) >= (before + masking.chunk + context - 1) * hop + n_fft:
            part = kept[: (before + masking.chunk + context - 1) * hop + n_fft]
            yield inner.take(part, before, masking.chunk)
            drop = before + masking.chunk - context
            kept, before = kept[max(0, drop) * hop :], min(context, before + masking.chunk)
    if kept is None:
        return
    missing = came - inner.yielded
    frames = -(-(missing + n_fft) // hop)
    needed = (before + frames - 1) * hop + n_fft
    kept = np.concatenate([kept, np.zeros((max(0, needed - len(kept)), kept.shape[1]), np.float32)])
    yield inner.take(kept[:needed], before, frames)[:missing]


class _Inner:
    """Masks stretches of samples and adds up the windows."""

    def __init__(self, masking: Masking) -> None:
        self._masking = masking
        self._window = get_window("hann", masking.n_fft, fftbins=True).astype(np.float32)
        self._tail: Block | None = None
        self._skip = masking.n_fft - masking.hop
        self.yielded = 0

    def take(self, samples: Block, before: int, frames: int) -> Block:
        """Return the samples that are finished by ``frames`` windows, of which ``before`` were taken."""
        n_fft, hop = self._masking.n_fft, self._masking.hop
        views = np.lib.stride_tricks.sliding_window_view(samples, n_fft, axis=0)[::hop]
        spectra = [rfft(views[:, channel] * self._window, axis=1) for channel in range(samples.shape[1])]
        power = sum(part.real**2 + part.imag**2 for part in spectra) / np.float32(len(spectra))
        factors = self._masking.mask(np.sqrt(power))[before : before + frames]
        made = [self._added(part[before : before + frames] * factors) for part in spectra]
        whole = np.stack(made, axis=1)
        if self._tail is not None:
            whole[: len(self._tail)] += self._tail
        self._tail = whole[frames * hop :]
        skipped = min(self._skip, frames * hop)
        self._skip -= skipped
        finished = whole[skipped : frames * hop]
        self.yielded += len(finished)
        return finished

    def _added(self, spectra: npt.NDArray[np.complex64]) -> npt.NDArray[np.float32]:
        hop = self._masking.hop
        waves = irfft(spectra, n=self._masking.n_fft, axis=1) * (self._window / np.float32(_GAIN))
        parts = waves.reshape(len(waves), _OVERLAP, hop)
        total = np.zeros((len(waves) + _OVERLAP - 1, hop), np.float32)
        for number in range(_OVERLAP):
            total[number : number + len(waves)] += parts[:, number]
        return total.reshape(-1)
