"""What a FLAC file gives when it is decoded, kept while it is written: the next step need not decode it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from beam_jobs.media.audio import AudioFile, Block
from beam_jobs.media.share import Record


class Written:
    """Takes the blocks that go into a FLAC file, as libsndfile rounds them.

    :param bits: per sample.
    """

    def __init__(self, bits: int) -> None:
        self._steps = np.float32(1 << (bits - 1))
        self._record = Record()
        self._frames = 0

    def note(self, block: Block) -> None:
        """Keep a block as it will be decoded, as long as there is room."""
        self._frames += len(block)
        self._record.add(block, self._rounded)

    def keep(self, path: Path) -> None:
        """Have them at hand for whoever opens the file, which is complete."""
        if not self._record.whole:
            return
        with AudioFile(path) as audio:
            info = audio.info
        self._record.put(path, (info.channels, info.rate), info, self._frames)

    def _rounded(self, block: Block) -> Block:
        steps = np.rint(block * self._steps)
        rounded: Block = np.clip(steps, -self._steps, self._steps - 1, out=steps) / self._steps
        return rounded
