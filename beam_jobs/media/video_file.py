"""Video in, by FFmpeg (PyAV): one stream of a local file, its packets and its frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import av
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.container import DEMUXERS, open_container, packets_of, refusal
from beam_jobs.media.cut import cut_reason, ends_early
from beam_jobs.media.joined import JOINED, Seams
from beam_jobs.media.sniff import sniff_video
from beam_jobs.media.video_extent import Extent

_CLAIMS: Final = {"asf", "avi", "flv", "matroska", "mp4"}
"""Those whose header says how long they play; of others FFmpeg looks for the last time in the file."""

_MOST_DAMAGED: Final = 0.05
_FEW: Final = 8
_BLOCKS: Final = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets:
    """What the packets of a video tell without being decoded.

    :param keys_s: when its key frames are shown, from the beginning of the file.
    :param count: of frames.
    :param first_s: when the first frame is shown.
    :param end_s: when the last frame has been shown.
    """

    keys_s: list[float]
    count: int
    first_s: float
    end_s: float


class VideoFile:
    """The first video stream of a file; use it in a ``with``.

    :param path: any file; what it is is told from its bytes.
    :param max_pixels: of a frame.
    :raises UndecodableMedia: when it is no video, holds none that can be decoded, or too large frames.
    """

    def __init__(self, path: Path, *, max_pixels: int) -> None:
        self._path, self._max_pixels = path, max_pixels
        self.kind = sniff_video(path)
        self._seams = Seams()
        self._open()
        self._start = Fraction(self.container.start_time or 0, av.time_base)
        self._clock = self.stream.time_base or Fraction(1, av.time_base)

    @property
    def claimed_s(self) -> float | None:
        """Playing time of all streams as the header has it."""
        return self.container.duration / av.time_base if self.container.duration else None

    @property
    def joined(self) -> bool:
        """Whether times were found to begin anew on the way, so that none can be looked for."""
        return self._seams.count > 0

    def time_s(self, pts: int) -> float:
        """Return when something of the video stream is shown, from the file's start as players have it."""
        return self._from_start(pts, self._clock)

    def packets(self) -> Packets:
        """Read the whole file without decoding it.

        :raises UndecodableMedia: when it ends well before what its header claims.
        """
        videos = tuple(self.container.streams.video)  # others may appear on the way
        extents = {stream.index: _extent(stream) for stream in videos}
        own = extents[self.stream.index]
        keys, others_end = self._read_packets(extents)
        if own.first is None:
            raise UndecodableMedia(f"the {self.kind} file holds no frames of video")
        if self.container.start_time is None:  # of a broadcast that is too short to tell
            self._start = own.first * self._clock
        self._check_end(max(others_end, *(self._end_s(stream, extents[stream.index]) for stream in videos)))
        found = Packets(
            keys_s=sorted(self.time_s(key) for key in keys), count=own.count,
            first_s=self.time_s(own.first), end_s=self._end_s(self.stream, own),
        )  # fmt: skip
        if self.stream.codec_context.pix_fmt == "pal8":
            self.rewind()
            next(self.frames(), None)  # AVI gives the palette once, with the first packet
        return found

    def _read_packets(self, extents: dict[int, Extent]) -> tuple[list[int], float]:
        """Add all packets of videos to their extents.

        :return: when the key frames are shown, in ticks, and when the last packet of other streams ends.
        """
        keys: list[int] = []
        others_end = 0.0
        with self._reading():
            for packet in self._straightened(packets_of(self.container)):
                shown = packet.pts if packet.pts is not None else packet.dts
                if shown is None or packet.is_discard or packet.time_base is None:
                    continue
                if packet.stream_index in extents:
                    extents[packet.stream_index].add(shown, packet.duration or 0)
                else:
                    until = self._from_start(shown + (packet.duration or 0), packet.time_base)
                    others_end = max(others_end, until)
                if packet.stream_index == self.stream.index and packet.is_keyframe:
                    keys.append(shown)
        return keys, others_end

    def frames(self) -> Iterator[VideoFrame]:
        """Decode from where the file is; damaged frames are left out as long as they are few.

        What comes before the first frame, when the place is amid a group of them, does not count.

        :raises UndecodableMedia: when they are not.
        """
        good = bad = 0
        with self._reading():
            for packet in self._straightened(packets_of(self.container, self.stream)):
                try:
                    frames = packet.decode()
                except av.error.InvalidDataError:
                    bad += 1
                    if good and bad > _FEW + _MOST_DAMAGED * good:
                        raise
                    continue
                for frame in frames:
                    self._check_size(frame.width, frame.height)
                    good += 1
                    yield frame

    def seek(self, second: float) -> None:
        """Go near ``second``, where the container can: at best to the last key frame before it."""
        if self.joined:
            self.rewind()
            return
        place = round((Fraction(second) + self._start) / self._clock)
        try:
            self.container.seek(place, stream=self.stream, backward=True)
        except av.error.FFmpegError:
            self.rewind()

    def rewind(self) -> None:
        """Go to the first packet."""
        self.close()
        self._open()

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _end_s(self, stream: VideoStream, extent: Extent) -> float:
        """Return when the stream's last frame has been shown; 0 when it has none."""
        clock, claimed = stream.time_base, []
        if extent.first is None or clock is None:
            return 0.0
        if self.kind in _CLAIMS:
            if self._playing_s():
                claimed.append(float((self._start + Fraction(self._playing_s())) / clock))
            if stream.duration:
                claimed.append((stream.start_time or 0) + stream.duration)
        return self._from_start(extent.end(*claimed), clock)

    def _playing_s(self) -> float:
        """Return how long the header claims that there is something to play; 0 when it does not say.

        Matroska counts from 0, wherever the first packet is.
        """
        before = max(0.0, float(self._start)) if self.kind == "matroska" else 0.0
        return max(0.0, (self.claimed_s or 0.0) - before)

    def _from_start(self, place: float, clock: Fraction) -> float:
        # FFmpeg has the start in microseconds; what begins there is at 0 and not a little before.
        return round(float(place * clock - self._start), 6) + 0.0

    def _straightened(self, packets: Iterator[Any]) -> Iterator[Any]:
        return self._seams.straightened(packets) if self.kind in JOINED else packets

    def _open(self) -> None:
        self.container = open_container(self._path, DEMUXERS[self.kind], kind=self.kind)
        try:
            self.stream = self._chosen()
        except BaseException:
            self.close()
            raise

    def _chosen(self) -> VideoStream:
        streams = [
            stream for stream in self.container.streams.video
            if not stream.disposition & Disposition.attached_pic
        ]  # fmt: skip
        if not streams:
            raise UndecodableMedia(f"the {self.kind} file holds no video")
        context: Any = streams[0].codec_context
        if context is None:
            raise UndecodableMedia(f"no decoder for the video in the {self.kind} file")
        self._check_size(context.width, context.height)
        # A stream may come to larger frames later. Decoders count with frames that are filled up to blocks.
        context.options = {"max_pixels": str(max(2 * self._max_pixels, _BLOCKS))}
        context.thread_count = 1
        return streams[0]

    def _check_size(self, width: int, height: int) -> None:
        if not 0 < width * height <= self._max_pixels:
            raise UndecodableMedia(
                f"frames of {width} x {height} pixels; 1 to {self._max_pixels} (max_pixels) can be decoded"
            )

    def _check_end(self, end_s: float) -> None:
        if (reason := cut_reason(self._path, self.kind)) is not None:
            raise UndecodableMedia(f"the file is truncated: {reason}")
        whole = self._playing_s()
        if self.kind in _CLAIMS and ends_early(end_s, whole):
            raise UndecodableMedia(f"the file is truncated: only {end_s:.3f} s of {whole:.3f} s are there")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except av.error.FFmpegError as error:
            raise refusal(error, "the video is damaged: ") from error


def _extent(stream: VideoStream) -> Extent:
    rate = stream.average_rate or stream.guessed_rate
    return Extent(usual=float(1 / (rate * stream.time_base)) if rate and stream.time_base else 0.0)
