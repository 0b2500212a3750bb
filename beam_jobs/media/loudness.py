"""Loudness after EBU R 128 (ITU-R BS.1770-5, EBU Tech 3341 and 3342), over a stream.

FFmpeg's ``ebur128`` filter measures loudness: native code that streams and comes with the decoder. Two
things are done here instead. True peak, since FFmpeg tells it in steps of 0.001 of full scale, which at
-40 dB is half a decibel, and the interpolation that the standard prints is a matrix product. Loudness
range, since FFmpeg's is 20 LU for a steady tone of three seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph

from beam_jobs.media.audio import Block

STEP_S: Final = 0.1
"""The filter reports every 100 ms."""

_MOMENTARY_STEPS: Final = 4
_SHORT_TERM_STEPS: Final = 30
_GATE_LUFS: Final = -70.0
_LAYOUTS: Final = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}

_HALF_TABLE: Final = (
    (0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875, 0.1373291015625,
     0.9721679687500, -0.1022949218750, 0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500),
    (-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500, 0.4650878906250,
     0.7797851562500, -0.2003173828125, 0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375),
)  # fmt: skip
"""BS.1770-5, annex 2: phases 0 and 1 of the interpolation by four; 3 and 2 are these reversed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """Loudness of a whole programme; None where there is not enough signal to tell.

    :param integrated_lufs: gated loudness; None under the absolute gate of -70 LUFS.
    :param range_lu: loudness range; None when shorter than 3 s.
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
    short_term_lufs: npt.NDArray[np.float64]
    true_peak_dbtp: float | None
    sample_peak_dbfs: float | None


class LoudnessMeter:
    """Hears blocks, then tells.

    :param channels: up to eight are weighted by the speakers of WAVE's order (surround +1.5 dB, no
        low-frequency channel); more count alike.
    """

    def __init__(self, *, rate: int, channels: int) -> None:
        self._rate = rate
        self._layout = _LAYOUTS.get(channels, f"{channels} channels")
        self._graph = Graph()
        source = self._graph.add_abuffer(
            sample_rate=rate, format="flt", layout=self._layout, time_base=Fraction(1, rate)
        )
        meter = self._graph.add("ebur128", "metadata=1:framelog=quiet")
        source.link_to(meter)
        meter.link_to(self._graph.add("abuffersink"))
        self._graph.configure()
        self._peaks = _PeakMeter(channels)
        self._frames = 0
        self._momentary: list[float] = []
        self._short_term: list[float] = []
        self._integrated = _GATE_LUFS

    def add(self, block: Block) -> None:
        """Hear a block of shape (frames, channels)."""
        packed = np.ascontiguousarray(block).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=self._layout)
        frame.sample_rate = self._rate
        frame.pts = self._frames
        self._frames += len(block)
        self._graph.push(frame)
        self._collect()
        self._peaks.add(block)

    def result(self) -> Loudness:
        """Tell what was heard; call it once."""
        self._graph.push(None)
        self._collect()
        # Until a window is full FFmpeg takes what is missing for silence.
        momentary = self._momentary[_MOMENTARY_STEPS - 1 :]
        short_term = self._short_term[_SHORT_TERM_STEPS - 1 :]
        return Loudness(
            integrated_lufs=_gated(self._integrated),
            range_lu=loudness_range(np.array(short_term)) if short_term else None,
            momentary_max_lufs=_gated(max(momentary)) if momentary else None,
            short_term_max_lufs=_gated(max(short_term)) if short_term else None,
            short_term_lufs=np.array(self._short_term),
            true_peak_dbtp=_decibels(max(self._peaks.true_peak(), self._peaks.sample_peak)),
            sample_peak_dbfs=_decibels(self._peaks.sample_peak),
        )

    def _collect(self) -> None:
        while True:
            try:
                told = self._graph.pull().metadata
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if "lavfi.r128.M" not in told:
                continue
            self._momentary.append(_number(told["lavfi.r128.M"]))
            self._short_term.append(_number(told["lavfi.r128.S"]))
            self._integrated = _number(told["lavfi.r128.I"])


def loudness_range(short_term: npt.NDArray[np.float64]) -> float:
    """Return the loudness range in LU (EBU Tech 3342, section 2).

    From the 10th to the 95th percentile of what lies above -70 LUFS and no more than 20 LU under the mean.

    :param short_term: loudness of overlapping windows of 3 s, in LUFS.
    """
    heard = short_term[short_term > _GATE_LUFS]
    if not heard.size:
        return 0.0
    mean = 10 * np.log10(np.mean(10 ** (heard / 10)))
    low, high = np.percentile(heard[heard >= mean - 20], [10, 95], method="nearest")
    return float(high - low)


class _PeakMeter:
    """Peak of the samples and of four times as many between them (BS.1770-5, annex 2)."""

    def __init__(self, channels: int) -> None:
        first, second = np.array(_HALF_TABLE)
        phases = np.stack([first, second, second[::-1], first[::-1]], axis=1)
        # The table is written for convolution; a window over the samples runs the other way.
        self._phases = phases[::-1].astype(np.float32)
        self._taps = len(phases)
        self._rest = np.zeros((channels, self._taps - 1), np.float32)
        self._peak = 0.0
        self.sample_peak = 0.0

    def add(self, block: Block) -> None:
        self.sample_peak = max(self.sample_peak, float(np.abs(block).max()))
        for channel, samples in enumerate(block.T):
            joined = np.concatenate([self._rest[channel], samples])
            self._rest[channel] = joined[1 - self._taps :]
            windows = np.lib.stride_tricks.sliding_window_view(joined, self._taps)
            self._peak = max(self._peak, float(np.abs(windows @ self._phases).max()))

    def true_peak(self) -> float:
        self.add(np.zeros((self._taps, len(self._rest)), np.float32))
        return self._peak


def _number(text: str) -> float:
    """Read a loudness; FFmpeg writes nan or -inf for what is too quiet."""
    value = float(text)
    return value if value > _GATE_LUFS else _GATE_LUFS


def _gated(lufs: float) -> float | None:
    return lufs if lufs > _GATE_LUFS else None


def _decibels(amplitude: float) -> float | None:
    return 20 * float(np.log10(amplitude)) if amplitude > 0 else None
