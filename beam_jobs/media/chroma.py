"""Chroma: the power of each of the twelve pitch classes, from a stream of spectra."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from beam_jobs.media.spectrum import Frames
from beam_jobs.media.tuning import tuning_of

HELD_BYTES: Final = 128 << 20
"""The tuning is heard in the spectra that fit in here: 12 minutes with librosa's frames."""


class Chroma:
    """Chroma of a stream whose tuning is not known yet.

    :param power: blocks of shape (frames, 1 + n_fft // 2).
    :param tuning: in semitones; None = hear it in the first spectra.
    """

    def __init__(
        self,
        power: Iterator[Frames],
        *,
        rate: int,
        n_fft: int,
        tuning: float | None = None,
        octave: float = 5.0,
    ) -> None:
        held: list[Frames] = []
        if tuning is None:
            size = 0
            for frames in power:
                held.append(frames)
                size += frames.nbytes
                if size >= HELD_BYTES:
                    break
            tuning = tuning_of(held, rate, n_fft)
        self.tuning = tuning
        self._weights = chroma_weights(rate, n_fft, tuning, octave)
        self._power = chain(_released(held), power)

    def frames(self) -> Iterator[Frames]:
        """Yield blocks of shape (frames, 12) from C to B, not normalised."""
        for power in self._power:
            yield power @ self._weights


def relative(chroma: Frames) -> Frames:
    """Divide each frame by its greatest number, as ``librosa.util.normalize``; silence stays 0."""
    greatest: Frames = chroma.max(axis=1, keepdims=True)
    greatest[greatest < np.finfo(np.float32).tiny] = 1
    return chroma / greatest


@lru_cache(maxsize=8)
def chroma_weights(rate: int, n_fft: int, tuning: float, octave: float) -> npt.NDArray[np.float32]:
    """Return librosa's chroma filter bank, transposed: shape (1 + n_fft // 2, 12).

    Gaussian bumps (Ellis, "Chroma feature analysis and synthesis", 2007) that weigh octaves by another one.

    :param octave: the middle of what is heard, in octaves above 27.5 Hz.
    """
    from librosa.filters import chroma

    bank = chroma(sr=rate, n_fft=n_fft, tuning=tuning, ctroct=octave)
    weights = np.ascontiguousarray(bank.T, dtype=np.float32)
    weights.setflags(write=False)
    return weights


def _released(held: list[Frames]) -> Iterator[Frames]:
    """Yield each block and let go of it."""
    held.reverse()
    while held:
        yield held.pop()
