"""Decoding by libsndfile: PCM containers, FLAC, Ogg Vorbis, indexed MP3."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import soundfile

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.audio import AudioInfo, Block

_SHORT_DATA: Final = re.compile(r"(?:data|SSND|Data Size)\s*:\s*(\d+) \(should be (\d+)\)")
"""How libsndfile's log tells that the audio chunk is shorter than its header says."""

_UNKNOWN_LENGTH: Final = 0x7FFFF000
"""Writers to a pipe put 0x7ffff000 or more where they do not know the length."""


_NOT_MINE: Final = {1, 4}
"""SF_ERR_UNRECOGNISED_FORMAT and SF_ERR_UNSUPPORTED_ENCODING."""

_PIECE_FRAMES: Final = 1024
"""So much at most is lost of what decodes before a damage."""

_NO_MEMORY: Final = 17
"""SFE_MALLOC_FAILED, which says nothing of the file."""


class _Forward(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that is read from its start to its end.

    python-soundfile seeks after each read of a seekable file to where it is already, and a seek in an
    MP3 or Opus stream loses what the next frame needs of the one before.
    """

    def seekable(self) -> bool:
        return False


class SoundfileDecoder:
    """Reads with libsndfile."""

    def __init__(self, file: soundfile.SoundFile, container: str) -> None:
        self._file = file
        frames = _claimed_frames(file)
        self.info = AudioInfo(
            container=container,
            codec=file.subtype,
            rate=file.samplerate,
            channels=file.channels,
            frames=frames,
            duration_s=frames / file.samplerate if file.samplerate else None,
        )

    @classmethod
    def open(cls, path: Path, container: str) -> Self | None:
        """Open ``path``; None when libsndfile has no decoder for what is inside."""
        try:
            return cls(_Forward(path), container)
        except soundfile.LibsndfileError as error:
            if error.code in _NOT_MINE:
                return None
            raise _refusal(error, f"not decodable as {container}: ") from error

    @property
    def reached_s(self) -> float:
        """Not known."""
        return 0.0

    def blocks(self) -> Iterator[Block]:
        """Yield blocks of shape (frames, channels)."""
        done = 0
        try:
            for block in _read(self._file, self.info.block_frames):
                yield block
                done += len(block)
        except soundfile.LibsndfileError as error:
            if error.code != _NO_MEMORY:
                yield from self._pieces_behind(done)
            raise _refusal(error) from error

    def _pieces_behind(self, done: int) -> Iterator[Block]:
        """Yield what decodes of the block behind ``done`` frames, which libsndfile threw away at a damage.

        The file is read from its beginning, for no seek in a damaged file leads surely to the same place.
        """
        with _Forward(self._file.name) as again, suppress(soundfile.LibsndfileError):
            blocks = _read(again, self.info.block_frames)
            while done > 0 and (block := next(blocks, None)) is not None:
                done -= len(block)
            yield from _read(again, min(_PIECE_FRAMES, self.info.block_frames))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _read(file: soundfile.SoundFile, frames: int) -> Iterator[Block]:
    """Yield blocks of ``frames``, the last one as it comes."""
    while len(block := file.read(frames, dtype="float32", always_2d=True)):
        yield block


def _refusal(error: soundfile.LibsndfileError, before: str = "") -> Exception:
    kind = MemoryError if error.code == _NO_MEMORY else UndecodableMedia
    return kind(f"{before}{error.error_string}")


def _claimed_frames(file: soundfile.SoundFile) -> int:
    """Return the frames that the header claims; libsndfile gives only those that the file has room for."""
    found = _SHORT_DATA.search(file.extra_info)
    if found is None:
        return int(file.frames)
    claimed, there = int(found[1]), int(found[2])
    if not there < claimed < _UNKNOWN_LENGTH:
        return int(file.frames)
    return max(int(file.frames) + 1, int(file.frames) * claimed // max(1, there))
