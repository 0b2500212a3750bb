"""Samples that are no sound: not a number, infinite, or beyond every level that sound has.

Only float files can hold them. One of them makes a filter's output and every sum not a number from there on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.audio import Block

_LOUDEST: Final = 1e9


def refusing_bad(blocks: Iterator[Block], rate: int) -> Iterator[Block]:
    """Yield ``blocks`` as long as all their samples are sound.

    :raises UndecodableMedia: says where the first one is that is none.
    """
    frames = 0
    for block in blocks:
        bad = _bad(block)
        if bad is not None:
            frame, channel = (int(place) for place in np.argwhere(bad)[0])
            raise UndecodableMedia(
                f"the sample at {(frames + frame) / rate:.6f} s in channel {channel + 1} is "
                f"{block[frame, channel]}, which is no sound; repair or export the file again"
            )
        frames += len(block)
        yield block


def without_bad(block: Block) -> tuple[Block, int]:
    """Return ``block`` with zeros for bad samples, and how many these are."""
    bad = _bad(block)
    if bad is None:
        return block, 0
    return np.where(bad, np.float32(0), block), int(np.count_nonzero(bad))


def _bad(block: Block) -> npt.NDArray[np.bool_] | None:
    """Tell for each sample whether it is bad; None when none is."""
    flat = block.reshape(-1, order="A")
    # One pass: a sum of squares below the limit's square proves every sample finite and below it.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.dot(flat, flat) < _LOUDEST**2:
            return None
        bad = ~(np.abs(block) < _LOUDEST)
    return bad if bad.any() else None
