"""Vocals and what accompanies them.

A voice glides and trembles: seen through a long window it is no steady line, as held notes are; seen through
a short one it is no click, as drums are. So it is what median filters along time and frequency take away
twice: D. FitzGerald & M. Gainza, "Single channel vocal separation using median filtering and factorisation
techniques", ISAST Transactions, 2010. The other way is :mod:`beam_jobs.media.repeating`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np

from beam_jobs.media.audio import Block
from beam_jobs.media.repeating import repeating, soft_mask
from beam_jobs.media.spectral_mask import Magnitudes, Masking, masked

Method = Literal["median", "repeating"]

LOWEST_HZ: Final = 100.0
_LONG_S, _SHORT_S, _REPEATING_S = 0.372, 0.0465, 0.093
_CHUNK_S: Final = 10.0
_REPEATING_CHUNK_S, _REPEATING_CONTEXT_S, _APART_S = 50.0, 5.0, 2.0
_LONG_MEDIANS: Final = (9, 25)
_SHORT_MEDIANS: Final = (17, 17)
"""Frames and bins."""


def vocals(blocks: Iterator[Block], rate: int, method: Method) -> Iterator[Block]:
    """Yield the vocals of a stream, as many frames as it has."""
    if method == "repeating":
        return masked(blocks, _unlike_the_rest(rate))
    return masked(masked(blocks, _not_steady(rate)), _not_clicks(rate))


def separated(blocks: Iterator[Block], rate: int, method: Method) -> Iterator[tuple[Block, Block]]:
    """Yield vocals and accompaniment, which add up to ``blocks``."""
    waiting: list[Block] = []

    def watched() -> Iterator[Block]:
        for block in blocks:
            waiting.append(block)
            yield block

    for voice in vocals(watched(), rate, method):
        whole = np.concatenate(waiting)
        waiting[:] = [whole[len(voice) :]]
        yield voice, whole[: len(voice)] - voice


def running_median(values: Magnitudes, size: int) -> Magnitudes:
    """Return the median of ``size`` (odd) values around each, along the last axis; mirrored at the ends."""
    around = np.pad(values, ((0, 0), (size // 2, size // 2)), mode="symmetric")
    found = np.empty_like(values)
    for row, line in enumerate(around):
        windows = np.lib.stride_tricks.sliding_window_view(line, size).copy()
        windows.partition(size // 2, axis=1)
        found[row] = windows[:, size // 2]
    return found


def steady_and_sudden(magnitudes: Magnitudes, sizes: tuple[int, int]) -> tuple[Magnitudes, Magnitudes]:
    """Return what stays along time and what stretches over frequency (FitzGerald 2010, as librosa's hpss)."""
    steady = running_median(np.ascontiguousarray(magnitudes.T), sizes[0]).T
    return np.ascontiguousarray(steady), running_median(magnitudes, sizes[1])


def _not_steady(rate: int) -> Masking:
    n_fft = _power_of_two(_LONG_S * rate)

    def mask(magnitudes: Magnitudes) -> Magnitudes:
        steady, sudden = steady_and_sudden(magnitudes, _LONG_MEDIANS)
        return _without_lows(soft_mask(sudden, steady, margin=1.0), rate, n_fft)

    return Masking(
        n_fft=n_fft, chunk=_frames(_CHUNK_S, rate, n_fft), context=_LONG_MEDIANS[0] // 2, mask=mask
    )


def _not_clicks(rate: int) -> Masking:
    n_fft = _power_of_two(_SHORT_S * rate)

    def mask(magnitudes: Magnitudes) -> Magnitudes:
        steady, sudden = steady_and_sudden(magnitudes, _SHORT_MEDIANS)
        return soft_mask(steady, sudden, margin=1.0)

    return Masking(
        n_fft=n_fft, chunk=_frames(_CHUNK_S, rate, n_fft), context=_SHORT_MEDIANS[0] // 2, mask=mask
    )


def _unlike_the_rest(rate: int) -> Masking:
    n_fft = _power_of_two(_REPEATING_S * rate)
    apart = _frames(_APART_S, rate, n_fft)

    def mask(magnitudes: Magnitudes) -> Magnitudes:
        background = repeating(magnitudes, apart=apart)
        return _without_lows(soft_mask(magnitudes - background, background, margin=1.0), rate, n_fft)

    return Masking(
        n_fft=n_fft, mask=mask, chunk=_frames(_REPEATING_CHUNK_S, rate, n_fft),
        context=_frames(_REPEATING_CONTEXT_S, rate, n_fft),
    )  # fmt: skip


def _without_lows(mask: Magnitudes, rate: int, n_fft: int) -> Magnitudes:
    mask[:, : round(LOWEST_HZ * n_fft / rate)] = 0
    return mask


def _power_of_two(samples: float) -> int:
    """Return the nearest power of two, at least 16."""
    return int(2 ** max(4, round(np.log2(samples))))


def _frames(seconds: float, rate: int, n_fft: int) -> int:
    return max(1, round(4 * seconds * rate / n_fft))
