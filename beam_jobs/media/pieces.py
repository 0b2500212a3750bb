"""Cut a stream into pieces that are written while it passes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

import numpy as np

from beam_jobs.media.audio import Block
from beam_jobs.media.encode import AudioWriter

Span = tuple[int, int | None]
"""First frame, and the frame behind the last; None = to the end."""

_HOP_S = 0.01


def windows(rate: int, window_s: float, hop_s: float) -> Iterator[Span]:
    """Yield windows without end; those that follow each other leave out no frame."""
    for number in itertools.count():
        start = round(number * hop_s * rate)
        end = round((number + 1) * hop_s * rate) if window_s == hop_s else start + round(window_s * rate)
        yield start, end


def cut_at(cuts: Sequence[int]) -> Iterator[Span]:
    """Yield the pieces between increasing frames, from the beginning to the end."""
    yield from itertools.zip_longest((0, *cuts), cuts)


class Silences:
    """Finds where to cut: in silences, and where a piece would get too long.

    :param threshold_dbfs: RMS over 10 ms, all channels together, below which there is silence.
    """

    def __init__(
        self, *, rate: int, threshold_dbfs: float, min_silence_s: float, min_s: float, max_s: float
    ) -> None:
        self._hop = max(1, round(_HOP_S * rate))
        self._limit = 10 ** (threshold_dbfs / 10)
        self._silence = max(1, round(min_silence_s * rate / self._hop))
        self._shortest, self._longest = round(min_s * rate), max(self._hop, round(max_s * rate))
        self._rest = np.zeros(0)
        self._quiet: list[np.ndarray] = []
        self._frames = 0

    def add(self, block: Block) -> None:
        """Take in a block of shape (frames, channels)."""
        self._frames += len(block)
        squares = np.einsum("ij,ij->i", block, block, dtype=np.float64) / block.shape[1]
        squares = np.concatenate([self._rest, squares])
        whole = len(squares) // self._hop * self._hop
        self._rest = squares[whole:]
        self._quiet.append(squares[:whole].reshape(-1, self._hop).mean(axis=1) < self._limit)

    def cuts(self) -> list[int]:
        """Return the frames to cut at, once all has been taken in."""
        cuts: list[int] = []
        start = run = 0
        for hop, quiet in enumerate(itertools.chain.from_iterable(self._quiet)):
            run = run + 1 if quiet else 0
            at = (hop + 1 - self._silence + self._silence // 2) * self._hop
            while (hop + 1) * self._hop - start > self._longest and not (
                run >= self._silence and start + self._shortest <= at <= start + self._longest
            ):
                start += self._longest
                cuts.append(start)
            if run == self._silence and at - start >= self._shortest and at > start:
                cuts.append(at)
                start = at
        return [cut for cut in cuts if 0 < cut < self._frames]


@dataclass(slots=True)
class _Open:
    writer: AudioWriter
    start: int
    end: int | None
    written: int = 0


def write_pieces(
    blocks: Iterator[Block],
    spans: Iterator[Span],
    open_piece: Callable[[], AudioWriter],
    *,
    stage: Callable[[], AbstractContextManager[None]],
    keep_last: bool,
) -> list[tuple[int, int]]:
    """Write each span of the stream into a file of its own; spans may overlap.

    :param spans: in the order of their starts.
    :param open_piece: opens the next file.
    :param stage: what runs in it is the time of encoding.
    :param keep_last: keep pieces that the stream ends in; else their files are removed, but for the first.
    :return: first and last frame (behind it) of each file that is kept.
    """
    written: list[tuple[int, int]] = []
    pieces: list[_Open] = []
    at = 0
    upcoming = next(spans, None)
    with ExitStack() as files:
        for block in blocks:
            end = at + len(block)
            while upcoming is not None and upcoming[0] < end:
                pieces.append(_Open(files.enter_context(open_piece()), *upcoming))
                upcoming = next(spans, None)
            for piece in list(pieces):
                stop = end if piece.end is None else min(end, piece.end)
                part = block[max(0, piece.start - at) : stop - at]
                with stage():
                    piece.writer.write(part)
                    piece.written += len(part)
                    if piece.end is not None and piece.end <= end:
                        piece.writer.close()
                        pieces.remove(piece)
                        written.append((piece.start, piece.end))
            at = end
        with stage():
            for piece in pieces:
                piece.writer.close()
    for piece in pieces:
        if keep_last or not written or piece.end is None or piece.start + piece.written == piece.end:
            written.append((piece.start, piece.start + piece.written))
        else:
            piece.writer.remove()
    return sorted(written)
