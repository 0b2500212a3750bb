"""The pitch of a voice or an instrument over a stream: pYIN with memory for some seconds only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, next_fast_len, rfft
from scipy.stats import beta, boltzmann

from beam_jobs.media.audio import Block
from beam_jobs.media.pitch_kernels import LOG_TINY, TINY, Floats, advance, difference, observe
from beam_jobs.media.spectrum import Frames, framed

_THRESHOLDS: Final = 100
_BETA: Final = (2, 18)
_BOLTZMANN: Final = 2.0
_SWITCH: Final = 0.01
_OCTAVES_PER_S: Final = 35.92
_BINS_PER_OCTAVE: Final = 120
_BATCH: Final = 512
_LAG_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pitch:
    """What was found, a number per frame.

    :param f0_hz: not a number where unvoiced.
    :param voiced_flag: whether there is a pitch.
    :param voiced_prob: how sure that is, 0 to 1.
    """

    f0_hz: npt.NDArray[np.float32]
    voiced_flag: npt.NDArray[np.bool_]
    voiced_prob: npt.NDArray[np.float32]


def find_pitch(
    blocks: Iterator[Block], *, rate: int, fmin: float, fmax: float, frame_length: int, hop: int,
    no_trough_prob: float = 0.01,
) -> Pitch:  # fmt: skip
    """Return the pitch of a mono stream as ``librosa.pyin`` has it with its defaults.

    M. Mauch & S. Dixon, "pYIN: a fundamental frequency estimator using probabilistic threshold
    distributions", ICASSP 2014. The most likely path is decided ten seconds after each frame, not at the end:
    paths that differ there have met before, so the result is the same and memory does not grow.
    """
    yin = _Yin(rate, fmin, fmax, frame_length, no_trough_prob)
    path = _Path(yin.bins, rate, hop)
    states, voiced = [], []
    for views in framed(blocks, frame_length, hop):
        for start in range(0, len(views), _BATCH):
            observed, sure = yin.observe(views[start : start + _BATCH])
            voiced.append(sure.astype(np.float32))
            states.append(path.add(observed, sure))
    states.append(path.rest())
    state = np.concatenate(states)
    flag = state < yin.bins
    hertz = fmin * 2 ** (np.arange(yin.bins) / _BINS_PER_OCTAVE)
    f0 = np.where(flag, hertz[state % yin.bins], np.nan).astype(np.float32)
    return Pitch(f0_hz=f0, voiced_flag=flag, voiced_prob=np.concatenate(voiced))


class _Yin:
    """How likely each pitch is in each frame."""

    def __init__(self, rate: int, fmin: float, fmax: float, length: int, no_trough: float) -> None:
        self._rate, self._fmin, self._no_trough = rate, fmin, no_trough
        self._shortest = int(rate / fmax)
        self._longest = min(int(np.ceil(rate / fmin)), length - 1)
        self._size = next_fast_len(length + self._longest + 1, real=True)
        self.bins = int(_BINS_PER_OCTAVE * np.log2(fmax / fmin)) + 1
        edges = np.linspace(0, 1, _THRESHOLDS + 1)
        self._thresholds, self._weights = edges[1:], np.diff(beta.cdf(edges, *_BETA))
        most = (self._longest - self._shortest) // 2 + 2
        counts = np.arange(1, most + 1)[:, None]
        self._prior = np.zeros((most + 1, most))
        self._prior[1:] = boltzmann.pmf(np.arange(most), _BOLTZMANN, counts)

    def observe(self, frames: Frames) -> tuple[Floats, Floats]:
        """Return log-probabilities of shape (frame, bin) and the probability of any pitch."""
        spectrum = rfft(frames, self._size, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        correlation = irfft(power, self._size, axis=1)[:, : self._longest + 1]
        curves = np.empty((len(frames), self._longest - self._shortest + 1))
        difference(frames, correlation, self._shortest, curves)
        observed, voiced = np.empty((len(frames), self.bins)), np.empty(len(frames))
        observe(
            curves, self._thresholds, self._weights, self._prior, self._no_trough, float(self._rate),
            self._shortest, self._fmin, _BINS_PER_OCTAVE, observed, voiced,
        )  # fmt: skip
        return observed, voiced


class _Path:
    """The most likely states, decided with a lag."""

    def __init__(self, bins: int, rate: int, hop: int) -> None:
        self._moves = _moves(bins, round(_OCTAVES_PER_S * 12 * hop / rate) * (_BINS_PER_OCTAVE // 12) + 1)
        self._lag = round(_LAG_S * rate / hop)
        self._values: Floats | None = None
        self._bins = bins
        self._came = np.empty((0, 2 * bins), np.uint16)

    def add(self, observed: Floats, voiced: Floats) -> npt.NDArray[np.uint16]:
        """Take in some frames and return the states that are decided."""
        came = np.zeros((len(observed), 2 * self._bins), np.uint16)
        first = 0
        if self._values is None:
            unvoiced = np.log((1 - voiced[0]) / self._bins + TINY)
            self._values = np.stack([observed[0], np.full(self._bins, unvoiced)]) - np.log(2 * self._bins)
            first = 1
        advance(
            observed[first:], voiced[first:], self._moves, np.log(1 - _SWITCH), np.log(_SWITCH),
            self._values, came[first:],
        )  # fmt: skip
        self._came = np.concatenate([self._came, came])
        if len(self._came) < 2 * self._lag:
            return np.empty(0, np.uint16)  # no view, which would keep all of it
        decided = len(self._came) - self._lag
        states = self._back()[:decided]
        self._came = self._came[decided:]
        return states

    def rest(self) -> npt.NDArray[np.uint16]:
        """Return the states that were not decided yet."""
        return self._back()

    def _back(self) -> npt.NDArray[np.uint16]:
        states = np.empty(len(self._came), np.uint16)
        if self._values is not None:
            state = int(self._values.argmax())
            for frame in range(len(states) - 1, -1, -1):
                states[frame] = state
                state = int(self._came[frame, state])
        return states


def _moves(bins: int, width: int) -> Floats:
    """Return log-probabilities of going from bin to bin: a triangle that is cut at the edges."""
    reach = width // 2
    triangle = 1 - np.abs(np.arange(width) - reach) / (reach + 1)
    moves = np.full((width, bins), LOG_TINY)
    for source in range(bins):
        offsets = np.arange(max(-source, -reach), min(bins - source, reach + 1))
        share = triangle[offsets + reach]
        moves[reach - offsets, source + offsets] = np.log(share / share.sum() + TINY)
    return moves
