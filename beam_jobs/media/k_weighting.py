"""The weighting of loudness: what the head does, and that low tones are heard less (ITU-R BS.1770-5)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from beam_jobs.media.audio import Block
from beam_jobs.media.k_weighting_kernel import add_energy

_SHELF_HZ: Final = 1681.974450955533
_SHELF_DB: Final = 3.999843853973347
_SHELF_Q: Final = 0.7071752369554196
_PASS_HZ: Final = 38.13547087602444
_PASS_Q: Final = 0.5003270373238773
_HIGHEST: Final = 0.45
"""Share of the rate above which the shelf is left out: all that such a file holds lies below the shelf."""

_AS_IT_IS: Final = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]

_SURROUND: Final = 1.41
_WEIGHTS: Final = {
    4: (1.0, 1.0, _SURROUND, _SURROUND),
    5: (1.0, 1.0, 1.0, _SURROUND, _SURROUND),
    6: (1.0, 1.0, 1.0, 0.0, _SURROUND, _SURROUND),
    7: (1.0, 1.0, 1.0, 0.0, 1.0, _SURROUND, _SURROUND),
    8: (1.0, 1.0, 1.0, 0.0, 1.0, 1.0, _SURROUND, _SURROUND),
}
"""By the speakers of WAVE's order: +1.5 dB from 60 to 120 degrees (BS.1770-5, annex 3).

One pair behind the front stands at 110 degrees (BS.775), whether WAVE calls it side or back. With speakers at
the sides (90) there, those at the back (135 to 180) count as the front does.
The low-frequency channel does not count.
"""


def channel_weights(channels: int) -> npt.NDArray[np.float64]:
    """Return how much the power of each channel counts; unknown layouts count alike."""
    return np.array(_WEIGHTS.get(channels, (1.0,) * channels))


def k_sections(rate: int) -> npt.NDArray[np.float64]:
    """Return the filter as two second-order sections, as :func:`scipy.signal.sosfilt` takes them.

    The standard prints coefficients for 48 kHz only. They are the bilinear transform of an analogue shelf and
    high-pass with the constants above, which gives them for every rate.
    """
    w = math.tan(math.pi * _PASS_HZ / rate)
    a0 = 1 + w / _PASS_Q + w * w
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (w * w - 1) / a0, (1 - w / _PASS_Q + w * w) / a0]
    if rate * _HIGHEST < _SHELF_HZ:
        return np.array([_AS_IT_IS, high_pass])
    w = math.tan(math.pi * _SHELF_HZ / rate)
    high = 10 ** (_SHELF_DB / 20)
    band = high**0.4996667741545416
    a0 = 1 + w / _SHELF_Q + w * w
    shelf = [
        (high + band * w / _SHELF_Q + w * w) / a0,
        2 * (w * w - high) / a0,
        (high - band * w / _SHELF_Q + w * w) / a0,
        1.0,
        2 * (w * w - 1) / a0,
        (1 - w / _SHELF_Q + w * w) / a0,
    ]
    return np.array([shelf, high_pass])


class PowerMeter:
    """Weighted power of every hundredth of a second of a stream."""

    STEPS_PER_S: Final = 100

    def __init__(self, *, rate: int, channels: int) -> None:
        self._rate = rate
        self._weights = channel_weights(channels)
        self._sections = k_sections(rate)
        self._state = np.zeros((4, channels))
        self._energies: list[npt.NDArray[np.float64]] = []
        self._frames = 0
        self._open = 0.0

    def add(self, block: Block) -> None:
        """Hear a block of shape (frames, channels)."""
        first, last = self._steps(self._frames), self._steps(self._frames + len(block))
        ends = np.append(self._edges(first + 1, last + 1) - self._frames, len(block))
        sums = np.zeros(len(ends))
        sums[0] = self._open
        heard = np.ascontiguousarray(block, dtype=np.float32)
        add_energy(heard, self._sections, self._state, self._weights, ends, sums)
        self._open = float(sums[-1])
        self._energies.append(sums[:-1])
        self._frames += len(block)

    def result(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Return energy per whole step, and where steps begin and end in frames (one more)."""
        energies = np.concatenate(self._energies) if self._energies else np.zeros(0)
        return energies, self._edges(0, len(energies) + 1)

    def _steps(self, frames: int) -> int:
        """Return how many whole steps so many frames hold."""
        return (frames * self.STEPS_PER_S) // self._rate

    def _edges(self, first: int, stop: int) -> npt.NDArray[np.int64]:
        """Return the frame at which each of the steps ``first`` to ``stop - 1`` begins."""
        return -(-np.arange(first, stop, dtype=np.int64) * self._rate // self.STEPS_PER_S)
