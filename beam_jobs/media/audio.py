"""Audio in: any file, as a stream of float32 blocks.

A file is never loaded whole and no header is believed: blocks come as the decoder makes them, and at
the end what came is held against what the header claimed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.cut import cut_reason, ends_early
from beam_jobs.media.sniff import sniff

Block: TypeAlias = npt.NDArray[np.float32]
"""Samples of shape (frames, channels), full scale is ±1.

A decoder gives them in the order in which it has them, frame by frame or channel by channel;
:func:`beam_jobs.media.mix.mixed` puts them frame by frame.
"""

BLOCK_FRAMES: Final = 65_536
_MAX_BLOCK_SAMPLES: Final = 16 * BLOCK_FRAMES
_RATES_HZ: Final = (1_000, 768_000)

# Opus: FFmpeg is twice as fast. MP3 without an index: libsndfile stops at a length that it guessed.
_SOUNDFILE: Final = {"wav", "w64", "aiff", "au", "caf", "flac", "ogg-vorbis", "ogg-flac", "mp3"}

_LONG_VORBIS: Final = 1 << 20
"""Bytes from which FFmpeg decodes Vorbis, in 60 % of the time; short streams it does not cut to length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioInfo:
    """What a file says of itself.

    :param container: as :func:`beam_jobs.media.sniff.sniff` names it.
    :param codec: e.g. ``PCM_16``, ``VORBIS``, ``aac``.
    :param rate: frames per second.
    :param frames: frames claimed by the header; None when it does not say exactly.
    :param duration_s: playing time claimed by the header; None when it does not say.
    """

    container: str
    codec: str
    rate: int
    channels: int
    frames: int | None
    duration_s: float | None

    @property
    def block_frames(self) -> int:
        """How many frames make a block, so that many channels make no huge one."""
        return max(1, min(BLOCK_FRAMES, _MAX_BLOCK_SAMPLES // self.channels))


class Decoder(Protocol):
    """One library's way to read a file; its errors come out as UndecodableMedia."""

    info: AudioInfo

    @property
    def reached_s(self) -> float:
        """Playing time up to the last packet read, with what no packet fills; 0 when that is not known."""

    def blocks(self) -> Iterator[Block]:
        """Yield the samples in order; the last block may be short."""

    def close(self) -> None:
        """Close the file."""


class AudioFile:
    """A file's audio; use it in a ``with``.

    :param path: any file; what it is is told from its bytes.
    :param track: which audio stream of a file that may have many; 0 is the first.
    :raises UndecodableMedia: on opening, or while reading with how much could be decoded.
    """

    def __init__(self, path: Path, *, track: int = 0) -> None:
        self._path = path
        self._decoder = _open(path, track)
        self.frames_read = 0
        low, high = _RATES_HZ
        if not low <= self.info.rate <= high:
            self.close()
            raise UndecodableMedia(
                f"its header claims {self.info.rate} Hz; {low} to {high} Hz can be decoded"
            )

    @property
    def info(self) -> AudioInfo:
        """What the header says."""
        return self._decoder.info

    @property
    def seconds_read(self) -> float:
        """Playing time of the blocks read so far."""
        return self.frames_read / self.info.rate

    def blocks(self) -> Iterator[Block]:
        """Yield blocks of shape (frames, channels); at the end raise when not all came.

        The samples are as they are in the file: see :mod:`beam_jobs.media.bad_samples`.
        """
        decoder = self._decoder.blocks()
        while True:
            try:
                block = next(decoder, None)
            except UndecodableMedia as error:
                raise UndecodableMedia(
                    f"the file is damaged or truncated: only {self._amount()} could be decoded ({error})"
                ) from error
            if block is None:
                break
            self.frames_read += len(block)
            yield block
        self._check_complete()

    def close(self) -> None:
        """Close the file."""
        self._decoder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _amount(self) -> str:
        claimed = self.info.duration_s or 0.0
        return f"{self.seconds_read:.3f} s" + (f" of {claimed:.3f} s" if claimed > self.seconds_read else "")

    def _check_complete(self) -> None:
        if not self.frames_read:
            raise UndecodableMedia(f"the {self.info.container} file holds no samples")
        reason = self._shortage()
        if reason is not None:
            raise UndecodableMedia(f"the file is truncated: only {self._amount()} could be decoded; {reason}")

    def _shortage(self) -> str | None:
        info = self.info
        if (reason := cut_reason(self._path, info.container)) is not None:
            return reason
        if info.frames is not None and not info.container.startswith("ogg"):
            return (
                f"its header claims {info.frames} frames and {self.frames_read} came"
                if self.frames_read < info.frames
                else None
            )
        # In some whole Ogg songs the positions of the pages jump by a few hundred samples that no packet
        # holds.
        # Recorders that lost the sound for a while leave a gap in time, which is no end.
        if ends_early(max(self.seconds_read, self._decoder.reached_s), info.duration_s):
            return "the stream ends early"
        return None


def _open(path: Path, track: int) -> Decoder:
    """Pick the library by content; FFmpeg takes what libsndfile has no codec for."""
    container = sniff(path)
    if container == "ogg-vorbis" and not track and path.stat().st_size >= _LONG_VORBIS:
        # libvorbis forgives headers that FFmpeg does not.
        with suppress(UndecodableMedia):
            return _av_decoder(path, container)
    if container in _SOUNDFILE and not track:
        from beam_jobs.media.decode_soundfile import SoundfileDecoder

        # Vorbis orders its surround channels in its own way; FFmpeg puts them as WAVE does.
        if (opened := SoundfileDecoder.open(path, container)) is not None:
            if container != "ogg-vorbis" or opened.info.channels <= 2:  # noqa: PLR2004
                return opened
            opened.close()
    return _av_decoder(path, container, track)


def _av_decoder(path: Path, container: str, track: int = 0) -> Decoder:
    from beam_jobs.media.decode_av import AvDecoder

    return AvDecoder(path, container, track=track)
