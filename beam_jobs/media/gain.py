"""The gain that makes a stream as loud as wanted."""

from __future__ import annotations

from collections.abc import Iterator

from beam_jobs.media.audio import Block
from beam_jobs.media.loudness import LoudnessMeter


def normalizing_gain(
    blocks: Iterator[Block], *, rate: int, channels: int, target_lufs: float, max_true_peak_dbtp: float
) -> float:
    """Return the factor for all samples that brings the integrated loudness to the target (EBU R 128).

    :param blocks: shape (frames, channels); all of them are read.
    :param max_true_peak_dbtp: the factor is lowered so that the true peak does not pass this.
    :return: 1 for what is too quiet to have a loudness.
    """
    meter = LoudnessMeter(rate=rate, channels=channels)
    for block in blocks:
        meter.add(block)
    told = meter.result()
    if told.integrated_lufs is None:
        return 1.0
    gain_db = target_lufs - told.integrated_lufs
    if told.true_peak_dbtp is not None:
        gain_db = min(gain_db, max_true_peak_dbtp - told.true_peak_dbtp)
    return float(10 ** (gain_db / 20))
