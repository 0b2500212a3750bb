"""Decoding by FFmpeg (PyAV): Opus, AAC, MP4, Matroska and WebM, WMA, MP3 without an index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec import CodecContext
from av.stream import Disposition

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.audio import AudioInfo, Block
from beam_jobs.media.container import DEMUXERS, open_container, packets_of, refusal

_TIMED: Final = {"matroska", "mp4", "asf", "avi"}
"""Containers whose header holds a duration; elsewhere FFmpeg guesses it from a bit rate."""

_JOINED: Final = {"mp3", "mp3-unindexed", "mpegps", "mpegts"}
"""Formats that are cut and joined by tools that do not decode them."""

_MATROSKA_DURATION: Final = re.compile(r"(\d+):(\d+):(\d+\.?\d*)")

_FEW: Final = 8


class AvDecoder:
    """Reads an audio stream with FFmpeg.

    :param track: which one; 0 is the first.
    """

    def __init__(self, path: Path, container: str, *, track: int = 0) -> None:
        self._container = open_container(path, DEMUXERS[container], kind=container)
        try:
            self.info = self._look(container, track)
        except BaseException:
            self.close()
            raise

    def _look(self, container: str, track: int) -> AudioInfo:
        """Decode the first frame: what a header says of HE-AAC is half the truth."""
        streams = self._container.streams.audio
        if not streams:
            raise UndecodableMedia(f"the {container} file has no audio stream")
        if track >= len(streams):
            raise UndecodableMedia(
                f"the {container} file has {len(streams)} audio streams and no track {track}"
            )
        stream = streams[track]
        codec: CodecContext | None = stream.codec_context
        if codec is None:
            raise UndecodableMedia(f"no decoder for the audio in the {container} file")
        self._frames = self._decode(stream, lenient=container in _JOINED)
        first = next(self._frames, None)
        if first is None:
            raise UndecodableMedia(f"the {container} file holds no samples")
        self._first = first
        return AudioInfo(
            container=container,
            codec=codec.name,
            rate=first.sample_rate,
            channels=first.layout.nb_channels,
            frames=None,
            duration_s=self._claimed_s(stream) if container in _TIMED else None,
        )

    def _claimed_s(self, stream: AudioStream) -> float | None:
        """Return the playing time that the header claims for the stream; beside video it may be shorter."""
        pictures = self._container.streams.video
        if all(video.disposition & Disposition.attached_pic for video in pictures):
            whole = self._container.duration
            return whole / av.time_base if whole else None
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        told = _MATROSKA_DURATION.match(stream.metadata.get("DURATION", ""))
        return (
            sum(float(part) * unit for part, unit in zip(told.groups(), (3600, 60, 1), strict=True))
            if told
            else None
        )

    def _decode(self, stream: AudioStream, *, lenient: bool) -> Iterator[AudioFrame]:
        """Yield the stream's frames; ``lenient`` leaves out a few that are damaged.

        Where files are cut and joined by tools that do not decode them, a frame at the seam may lack what it
        borrowed from the frame before; every player goes on.
        """
        packets = skipped = 0
        try:
            for packet in packets_of(self._container, stream):
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
