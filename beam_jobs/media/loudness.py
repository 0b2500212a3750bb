"""Loudness after EBU R 128 (ITU-R BS.1770-5, EBU Tech 3341 and 3342), over a stream.

FFmpeg's and others' meters look every 100 ms, so that their momentary maximum misses up to half a decibel of
a short sound, and FFmpeg's range is 20 LU for a steady tone of three seconds. This one looks every 10 ms for
the maxima and every 100 ms, as the standards say, for what is gated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from beam_jobs.media.audio import Block
from beam_jobs.media.k_weighting import PowerMeter
from beam_jobs.media.true_peak import PeakMeter

STEP_S: Final = 0.1
"""Between two values of the short-term curve, and between two gating blocks."""

_EVERY: Final = round(STEP_S * PowerMeter.STEPS_PER_S)
_PIECE: Final = 1 << 16
_OFFSET_DB: Final = -0.691
_MOMENTARY_S: Final = 0.4
_SHORT_TERM_S: Final = 3.0
_GATE_LUFS: Final = -70.0
_RELATIVE_GATE_LU: Final = -10.0
_RANGE_GATE_LU: Final = -20.0

Levels = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """Loudness of a whole programme; None where there is not enough signal to tell.

    :param integrated_lufs: gated loudness; None under the absolute gate of -70 LUFS.
    :param range_lu: loudness range; None when shorter than 3 s, or never above -70 LUFS for so long.
    :param momentary_max_lufs: loudest 400 ms; None when shorter.
    :param short_term_max_lufs: loudest 3 s; None when shorter.
    :param short_term_lufs: short-term loudness at the end of every 100 ms, at least -70.
    :param true_peak_dbtp: of the signal interpolated by four; None for digital silence.
    :param sample_peak_dbfs: of the samples; None for digital silence.
    """

    integrated_lufs: float | None
    range_lu: float | None
    momentary_max_lufs: float | None
    short_term_max_lufs: float | None
    short_term_lufs: Levels
    true_peak_dbtp: float | None
    sample_peak_dbfs: float | None


class LoudnessMeter:
    """Hears blocks, then tells.

    :param channels: up to eight are weighted by the speakers of WAVE's order (those at the sides +1.5 dB, no
        low-frequency channel); more count alike.
    """

    def __init__(self, *, rate: int, channels: int) -> None:
        self._power = PowerMeter(rate=rate, channels=channels)
        self._peaks = PeakMeter(channels)

    def add(self, block: Block) -> None:
        """Hear a block of shape (frames, channels)."""
        self._power.add(block)
        self._peaks.add(block)

    def result(self) -> Loudness:
        """Tell what was heard; call it once."""
        windows = _Windows(*self._power.result())
        momentary, short_term = windows.gated(_MOMENTARY_S), windows.gated(_SHORT_TERM_S)
        return Loudness(
            integrated_lufs=integrated(momentary),
            range_lu=loudness_range(lufs(short_term)),
            momentary_max_lufs=_above_gate(windows.greatest(_MOMENTARY_S)),
            short_term_max_lufs=_above_gate(windows.greatest(_SHORT_TERM_S)),
            short_term_lufs=np.maximum(lufs(windows.so_far(_SHORT_TERM_S)), _GATE_LUFS),
            true_peak_dbtp=_decibels(self._peaks.true_peak()),
            sample_peak_dbfs=_decibels(self._peaks.sample_peak),
        )


class _Windows:
    """Mean power of sliding windows, from the energy of steps.

    Three hours are a million steps, so no more than two numbers are kept of each.
    """

    def __init__(self, energies: Levels, edges: npt.NDArray[np.int64]) -> None:
        self._sums = np.zeros(len(energies) + 1)
        np.cumsum(energies, out=self._sums[1:])
        self._edges = edges

    def gated(self, seconds: float) -> Levels:
        """Return the mean power of a whole window every 100 ms."""
        return self._between(np.arange(_steps(seconds), len(self._sums), _EVERY), _steps(seconds))

    def greatest(self, seconds: float) -> float:
        """Return the greatest mean power of a whole window, one per step; 0 when there is none."""
        found = 0.0
        for first in range(_steps(seconds), len(self._sums), _PIECE):
            ends = np.arange(first, min(first + _PIECE, len(self._sums)))
            found = max(found, float(self._between(ends, _steps(seconds)).max()))
        return found

    def so_far(self, seconds: float) -> Levels:
        """Return the mean power of the window up to every 100 ms; before the beginning is silence."""
        steps = _steps(seconds)
        ends = np.arange(_EVERY, len(self._sums), _EVERY)
        early = ends[ends < steps]
        if not early.size:
            return self._between(ends, steps)
        frames = max(int(self._edges[1]) * steps, 1)
        power = np.maximum(self._sums[early], 0) / frames
        return np.concatenate([power, self._between(ends[len(early) :], steps)])

    def _between(self, ends: npt.NDArray[np.int64], steps: int) -> Levels:
        """Return the mean power of the ``steps`` steps before each of ``ends``."""
        energy, frames = (whole[ends] - whole[ends - steps] for whole in (self._sums, self._edges))
        return np.asarray(np.maximum(energy, 0) / np.maximum(frames, 1))


def _steps(seconds: float) -> int:
    return round(seconds * PowerMeter.STEPS_PER_S)


def lufs(power: Levels) -> Levels:
    """Return the loudness of weighted power."""
    with np.errstate(divide="ignore"):
        return np.asarray(_OFFSET_DB + 10 * np.log10(power))


def integrated(power: Levels) -> float | None:
    """Return gated loudness of overlapping windows of 400 ms (BS.1770-5, annex 1)."""
    heard = power[lufs(power) > _GATE_LUFS]
    if not heard.size:
        return None
    above = heard[lufs(heard) > float(lufs(heard.mean())) + _RELATIVE_GATE_LU]
    return float(lufs(above.mean()))


def loudness_range(short_term: Levels) -> float | None:
    """Return the loudness range in LU (EBU Tech 3342, section 2).

    From the 10th to the 95th percentile of what lies above -70 LUFS and no more than 20 LU under the mean.

    :param short_term: loudness of overlapping windows of 3 s, in LUFS.
    :return: None when none is above -70 LUFS.
    """
    heard = short_term[short_term > _GATE_LUFS]
    if not heard.size:
        return None
    mean = 10 * np.log10(np.mean(10 ** (heard / 10)))
    low, high = np.percentile(heard[heard >= mean + _RANGE_GATE_LU], [10, 95], method="nearest")
    return float(high - low)


def _above_gate(power: float) -> float | None:
    told = float(lufs(np.array(power)))
    return told if told > _GATE_LUFS else None


def _decibels(amplitude: float) -> float | None:
    return 20 * float(np.log10(amplitude)) if amplitude > 0 else None
