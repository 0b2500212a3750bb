"""Cut a stream of blocks at frames."""

from __future__ import annotations

from collections.abc import Iterator

from beam_jobs.media.audio import Block


def between(blocks: Iterator[Block], start: int, end: int) -> Iterator[Block]:
    """Yield frames ``start`` up to ``end``; what comes behind is not read."""
    at = 0
    for block in blocks:
        part = block[max(0, start - at) : max(0, end - at)]
        at += len(block)
        if len(part):
            yield part
        if at >= end:
            return


def count_frames(blocks: Iterator[Block]) -> int:
    """Return how many frames a stream has."""
    return sum(len(block) for block in blocks)


class Counted:
    """A stream that counts its frames while it passes."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self.frames = 0

    def __iter__(self) -> Iterator[Block]:
        for block in self._blocks:
            self.frames += len(block)
            yield block
