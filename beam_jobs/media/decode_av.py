"""Decoding by FFmpeg (PyAV): Opus, AAC, MP4, Matroska and WebM, WMA, MP3 without an index."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.audio import AudioInfo, Block
from beam_jobs.media.container import open_container, refusal

_DEMUXERS: Final = {
    "adts": "aac", "aiff": "aiff", "asf": "asf", "au": "au", "caf": "caf", "flac": "flac",
    "matroska": "matroska", "mp3": "mp3", "mp3-unindexed": "mp3", "mp4": "mov", "ogg": "ogg",
    "ogg-flac": "ogg", "ogg-opus": "ogg", "ogg-vorbis": "ogg", "w64": "w64", "wav": "wav",
}  # fmt: skip
"""FFmpeg's name of what the file is."""

_TIMED: Final = {"matroska", "mp4", "asf"}
"""Containers whose header holds a duration; elsewhere FFmpeg guesses it from a bit rate."""

_FEW: Final = 8


class AvDecoder:
    """Reads the first audio stream with FFmpeg."""

    def __init__(self, path: Path, container: str) -> None:
        self._container = open_container(path, _DEMUXERS[container], kind=container)
        try:
            self.info = self._look(container)
        except BaseException:
            self.close()
            raise

    def _look(self, container: str) -> AudioInfo:
        """Decode the first frame: what a header says of HE-AAC is half the truth."""
        if not self._container.streams.audio:
            raise UndecodableMedia(f"the {container} file has no audio stream")
        stream = self._container.streams.audio[0]
        self._frames = self._decode(stream, lenient=container.startswith("mp3"))
        first = next(self._frames, None)
        if first is None:
            raise UndecodableMedia(f"the {container} file holds no samples")
        self._first = first
        claimed = self._container.duration if container in _TIMED else None
        return AudioInfo(
            container=container,
            codec=stream.codec_context.name,
            rate=first.sample_rate,
            channels=first.layout.nb_channels,
            frames=None,
            duration_s=claimed / av.time_base if claimed else None,
        )

    def _decode(self, stream: AudioStream, *, lenient: bool) -> Iterator[AudioFrame]:
        """Yield the stream's frames; ``lenient`` leaves out a few that are damaged.

        MP3s are cut and joined by tools that do not decode them, so that a frame at the seam may lack
        what it borrowed from the frame before; every player goes on.
        """
        packets = skipped = 0
        try:
            for packet in self._container.demux(stream):
                packets += 1
                try:
                    yield from packet.decode()
                except av.error.InvalidDataError:
                    skipped += 1
                    if not lenient or skipped > _FEW + packets // 100:
                        raise
        except av.error.FFmpegError as error:
            raise refusal(error) from error

    def blocks(self) -> Iterator[Block]:
        """Yield blocks of shape (frames, channels)."""
        # Interleaved: PyAV 18 reads past the end of eight separate planes.
        to_float = AudioResampler(
            format="flt", layout=self._first.layout, rate=self.info.rate, frame_size=self.info.block_frames
        )
        try:
            for frame in chain([self._first], self._frames, [None]):
                for whole in to_float.resample(frame):
                    yield np.asarray(whole.to_ndarray(), np.float32).reshape(-1, self.info.channels)
        except ValueError as error:
            if isinstance(error, UndecodableMedia):
                raise
            raise UndecodableMedia(f"the stream changes its format midway: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._container.close()
