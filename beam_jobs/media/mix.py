"""Fewer or more channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from beam_jobs.media.audio import Block

_LAYOUTS: Final = {3: "LRC", 4: "LRlr", 5: "LRClr", 6: "LRC-lr", 7: "LRC-clr", 8: "LRC-lrlr"}
"""Speakers in the order of WAVE and FLAC; ``-`` is the low-frequency channel, small letters surround."""

_HALF_POWER: Final = 0.5**0.5
_TO_STEREO: Final = {
    "L": (1.0, 0.0), "R": (0.0, 1.0), "C": (_HALF_POWER, _HALF_POWER), "-": (0.0, 0.0),
    "l": (_HALF_POWER, 0.0), "r": (0.0, _HALF_POWER), "c": (0.5, 0.5),
}  # fmt: skip


def mix_weights(channels: int, wanted: int) -> npt.NDArray[np.float32]:
    """Return the matrix that turns ``channels`` into ``wanted`` (1 or 2).

    One channel is the plain mean. Two are the downmix of ITU-R BS.775-3, table 2, scaled so that full
    scale on every channel cannot clip; with no known layout odd channels go left and even ones right.

    :return: shape (channels, wanted).
    """
    if wanted == 1:
        return np.full((channels, 1), 1 / channels, dtype=np.float32)
    if channels == 1:
        return np.ones((1, 2), dtype=np.float32)
    layout = _LAYOUTS.get(channels) or ("LR" * channels)[:channels]
    weights: npt.NDArray[np.float64] = np.array([_TO_STEREO[speaker] for speaker in layout])
    weights /= weights.sum(axis=0)
    return weights.astype(np.float32)


def mixed(blocks: Iterator[Block], channels: int, wanted: int) -> Iterator[Block]:
    """Yield ``blocks`` with ``wanted`` (1 or 2) channels instead of ``channels``, interleaved in memory."""
    if channels == wanted:
        return map(np.ascontiguousarray, blocks)
    weights = mix_weights(channels, wanted)
    return (block @ weights for block in blocks)
