"""Decoding by FFmpeg (PyAV): Vorbis, Opus, AAC, MP4, Matroska and WebM, WMA, MP3 without an index."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec import CodecContext

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.audio import AudioInfo, Block
from beam_jobs.media.claimed import claimed_s
from beam_jobs.media.container import DEMUXERS, open_container, packets_of, refusal
from beam_jobs.media.joined import JOINED
from beam_jobs.media.mix import mixed
from beam_jobs.media.resample import resampled

_FEW: Final = 8

_FEW_PLANES: Final = 2

_EXACT: Final = {"ogg-vorbis"}
"""Where the positions of pages count the frames; FFmpeg leaves it to us to drop those before 0."""


class AvDecoder:
    """Reads an audio stream with FFmpeg.

    :param track: which one; 0 is the first.
    """

    def __init__(self, path: Path, container: str, *, track: int = 0) -> None:
        self._container = open_container(path, DEMUXERS[container], kind=container)
        self._from: int | None = None
        self._until, self._clock = 0, 0.0
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
        self._clock = float(stream.time_base or 0)
        self._frames = self._decode(stream, lenient=container in JOINED)
        first = next(self._frames, None)
        if first is None:
            raise UndecodableMedia(f"the {container} file holds no samples")
        self._first = first
        self._before = max(0, -(first.pts or 0)) if container in _EXACT else 0
        frames = stream.duration or None if container in _EXACT else None
        duration_s = frames / first.sample_rate if frames else None
        return AudioInfo(
            container=container,
            codec=codec.name.upper() if container in _EXACT else codec.name,  # as libsndfile calls it
            rate=first.sample_rate,
            channels=first.layout.nb_channels,
            frames=frames,
            duration_s=claimed_s(self._container, stream, container) or duration_s,
        )

    @property
    def reached_s(self) -> float:
        """Playing time up to the last packet read, with what no packet fills."""
        return (self._until - (self._from or 0)) * self._clock

    def _decode(self, stream: AudioStream, *, lenient: bool) -> Iterator[AudioFrame]:
        """Yield the stream's frames; ``lenient`` leaves out a few that are damaged.

        Where files are cut and joined by tools that do not decode them, a frame at the seam may lack what it
        borrowed from the frame before; every player goes on.
        """
        packets = skipped = 0
        try:
            for packet in packets_of(self._container, stream):
                packets += 1
                if packet.pts is not None:
                    self._from = packet.pts if self._from is None else self._from
                    self._until = max(self._until, packet.pts + (packet.duration or 0))
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
        before = self._before
        try:
            for block in self._alike():
                if before < len(block):
                    yield block[before:]
                before = max(0, before - len(block))
        except ValueError as error:
            if isinstance(error, UndecodableMedia):
                raise
            raise UndecodableMedia(f"the stream changes its format midway: {error}") from error

    def _alike(self) -> Iterator[Block]:
        """Yield blocks in the first frame's form, which broadcasts leave between programmes."""
        for (format, layout, rate), frames in groupby(chain([self._first], self._frames), key=_form):
            yield from resampled(self._mixed(frames, format, layout), rate, self.info.rate)

    def _mixed(self, frames: Iterator[AudioFrame], format: str, layout: str) -> Iterator[Block]:
        """Yield blocks of frames that have one form, with the first frame's channels, at their own rate."""
        own, size = self.info.channels, self.info.block_frames
        if own > _FEW_PLANES:  # into which the mix of all steps does not lead
            return _converted(frames, self._first.layout.name, size)
        channels = AudioLayout(layout).nb_channels
        # PyAV 18 reads past the end of eight separate planes.
        as_they_are = format == "fltp" and channels <= _FEW_PLANES
        blocks = _gathered(frames, size) if as_they_are else _converted(frames, layout, size)
        return blocks if channels == own else mixed(blocks, channels, own)

    def close(self) -> None:
        """Close the file."""
        self._container.close()


def _form(frame: AudioFrame) -> tuple[str, str, int]:
    """Return what all frames have alike until a stream changes it."""
    return frame.format.name, frame.layout.name, frame.sample_rate


def _gathered(frames: Iterator[AudioFrame], size: int) -> Iterator[Block]:
    """Yield blocks of frames that are float samples already."""
    fifo = AudioFifo()
    for frame in frames:
        frame.pts = None  # positions that jump are no fault: what is there is heard
        fifo.write(frame)
        if fifo.samples >= size:
            yield _as_block(fifo.read(size))
    if fifo.samples:
        yield _as_block(fifo.read())


def _converted(frames: Iterator[AudioFrame], layout: str, size: int) -> Iterator[Block]:
    """Yield blocks of frames of any format, converted to float samples at their own rate."""
    to_float = AudioResampler(format="flt", layout=layout, frame_size=size)
    channels = AudioLayout(layout).nb_channels
    for frame in chain(frames, [None]):
        for whole in to_float.resample(frame):
            yield np.asarray(whole.to_ndarray(), np.float32).reshape(-1, channels)


def _as_block(frame: AudioFrame | None) -> Block:
    """Return a frame's channels as columns, each of which lies in memory by itself."""
    if frame is None:
        raise ValueError("there are fewer samples than there were")
    return np.asarray(frame.to_ndarray(), np.float32).T
