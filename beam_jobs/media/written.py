"""What a FLAC file gives when it is decoded, kept while it is written: the next step need not decode it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from beam_jobs.media import share
from beam_jobs.media.audio import AudioFile, Block


class Written:
    """Takes the blocks that go into a FLAC file, as libsndfile rounds them.

    :param bits: per sample.
    """

    def __init__(self, bits: int) -> None:
        self._steps = np.float32(1 << (bits - 1))
        self._blocks: list[Block] | None = []
        self._size = 0

    def note(self, block: Block) -> None:
        """Keep a block as it will be decoded, as long as there is room."""
        if self._blocks is None:
            return
        self._size += block.nbytes
        if not share.has_room(self._size):
            self._blocks = None
            return
        steps = np.rint(block * self._steps)
        self._blocks.append(np.clip(steps, -self._steps, self._steps - 1, out=steps) / self._steps)

    def keep(self, path: Path) -> None:
        """Have them at hand for whoever opens the file, which is complete."""
        if self._blocks:
            with AudioFile(path) as audio:
                share.put(path, audio.info, tuple(self._blocks))
