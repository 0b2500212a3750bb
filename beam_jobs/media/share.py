"""Decoded audio and its spectra, which one process keeps for the next step of the same item.

Steps that run fused read the same file one after the other. What the first of them decodes is kept as long
as it fits into what is allowed; longer audio is decoded again, so that memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from beam_jobs.media.audio import AudioFile, AudioInfo, Block

Key = tuple[int, ...]
"""A file as it is now; with what makes a form of its audio or of its spectra, that form."""

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    info: AudioInfo
    frames_read: int
    blocks: tuple[Array, ...]


@dataclass(slots=True)
class _Shelf:
    item: str | None = None
    items: int = 0
    allowed: int = 0
    used: int = 0
    kept: dict[Key, _Kept] = field(default_factory=dict)


_shelf = _Shelf()
"""One for the process, which works on one item at a time."""


def allow(size: int) -> None:
    """Keep up to ``size`` bytes from now on; 0 keeps nothing."""
    _shelf.allowed = size


def only(item: str) -> None:
    """Forget what was kept of another item."""
    if item != _shelf.item:
        _shelf.item, _shelf.used = item, 0
        _shelf.items += 1
        _shelf.kept.clear()


class Record:
    """Arrays that are kept as they come, as long as there is room; all of them, or none."""

    def __init__(self) -> None:
        self._arrays: list[Array] | None = []
        self._size = 0
        self._item = _shelf.items

    def add(self, array: Array, make: Callable[[Array], Array]) -> None:
        """Keep what ``make`` makes of an array, which is as large."""
        if self._arrays is None:
            return
        if _shelf.used + array.nbytes > _shelf.allowed:
            self.drop()
            return
        _shelf.used += array.nbytes
        self._size += array.nbytes
        self._arrays.append(make(array))

    def drop(self) -> None:
        """Let go of them and leave their room to others."""
        if self._item == _shelf.items:  # else the shelf was cleared meanwhile
            _shelf.used -= self._size
        self._arrays, self._size = None, 0

    @property
    def whole(self) -> bool:
        """Whether all that came was kept, and still is."""
        return self._arrays is not None and self._item == _shelf.items

    def put(self, path: Path, form: Key, info: AudioInfo, frames_read: int) -> None:
        """Give them to whoever opens the file after this.

        :param form: channels and rate of samples; rate, window and hop of spectra.
        """
        if self._arrays is not None and self.whole:
            _shelf.kept[*_file_key(path), *form] = _Kept(
                info=info, frames_read=frames_read, blocks=tuple(self._arrays)
            )


def open_audio(path: Path, *, keep: bool) -> AudioFile | SharedAudio:
    """Open a file, or what is kept of it.

    :param keep: another step reads it afterwards.
    :raises UndecodableMedia: as :class:`AudioFile`.
    """
    return SharedAudio(path, keep=keep) if _shelf.allowed else AudioFile(path)


class SharedAudio:
    """An :class:`AudioFile` that is decoded only when its samples are not kept.

    The blocks are the caller's own.
    """

    def __init__(self, path: Path, *, keep: bool) -> None:
        self._key = _file_key(path)
        self._path, self._keep = path, keep
        known = next((kept for key, kept in _shelf.kept.items() if key[:4] == self._key), None)
        self._file = None if known else AudioFile(path)
        self.info = known.info if known else self._opened().info
        self._replayed = 0

    @property
    def frames_read(self) -> int:
        """Frames decoded or replayed so far."""
        return max(self._replayed, self._file.frames_read if self._file else 0)

    @property
    def seconds_read(self) -> float:
        """Playing time of the blocks read so far."""
        return self.frames_read / self.info.rate

    def blocks(self) -> Iterator[Block]:
        """Yield blocks of shape (frames, channels); at the end raise when not all came."""
        return self.form(self.info.channels, self.info.rate, lambda: self._opened().blocks())

    def form(self, channels: int, rate: int, make: Callable[[], Iterator[Block]]) -> Iterator[Block]:
        """Yield the audio with ``channels`` at ``rate``.

        :param make: decodes it, when it is not kept.
        """
        return self._shared((channels, rate), make, _apart)

    def spectra(
        self, rate: int, n_fft: int, hop: int, make: Callable[[], Iterator[Array]]
    ) -> Iterator[Array]:
        """Yield spectra of the audio as mono, for reading only.

        :param make: decodes and transforms it, when they are not kept.
        """
        return self._shared((rate, n_fft, hop), make, _sealed)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self) -> AudioFile:
        if self._file is None:
            self._file = AudioFile(self._path)
        return self._file

    def _shared(
        self, form: Key, make: Callable[[], Iterator[Array]], apart: Callable[[Array], Array]
    ) -> Iterator[Array]:
        """Yield what is kept in this form, else make it, and keep it when another step reads the audio.

        :param apart: makes of an array one that may be kept while another one uses it.
        """
        kept = _shelf.kept.get((*self._key, *form))
        if kept is None:
            yield from self._recorded(form, make(), apart) if self._keep else make()
            return
        yield from map(apart, kept.blocks)
        self._replayed = kept.frames_read

    def _recorded(
        self, form: Key, blocks: Iterator[Array], apart: Callable[[Array], Array]
    ) -> Iterator[Array]:
        """Yield ``blocks``, and keep them when they came to their end and fit."""
        record, ended = Record(), False
        try:
            for block in blocks:
                record.add(block, apart)
                yield block
            ended = True
        finally:
            if ended:
                record.put(self._path, form, self.info, self.frames_read)
            else:
                record.drop()


def _file_key(path: Path) -> Key:
    facts = path.stat()
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


def _apart(block: Array) -> Array:
    return np.array(block, order="C")  # so that it is put frame by frame once, not for each reader


def _sealed(array: Array) -> Array:
    """Let nobody change an array that several read."""
    array.setflags(write=False)
    return array
