"""What a video says of itself."""

from __future__ import annotations

import math
import re
import struct
from fractions import Fraction
from typing import Any, Final

from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from beam_jobs.media.video_file import Packets, VideoFile

_MOST_TEXT: Final = 32
_MOST_TRACKS: Final = 64
_MATRIX: Final = struct.Struct("=9i")
_TICKS: Final = 2
"""By how many ticks of the clock the first time and the last may be rounded together."""


def rotation(frame: VideoFrame) -> int:
    """Return by how many degrees clockwise a player turns the frame: 0, 90, 180 or 270."""
    matrix = _matrix(frame)
    if matrix is None:
        return round(-frame.rotation / 90) % 4 * 90
    right = -1 if mirrored(frame) else 1
    return round(math.degrees(math.atan2(right * matrix[1], right * matrix[0])) / 90) % 4 * 90


def mirrored(frame: VideoFrame) -> bool:
    """Tell whether a player exchanges left and right before it turns the frame, as of some selfies."""
    matrix = _matrix(frame)
    return matrix is not None and matrix[0] * matrix[4] < matrix[1] * matrix[3]


def shown_size(stream: VideoStream, frame: VideoFrame) -> tuple[int, int]:
    """Return the size of the frame as it is shown: with square pixels, turned."""
    wide = stream.sample_aspect_ratio or Fraction(1)
    width, height = frame.width, frame.height
    if Fraction(1, 8) <= wide <= 8:  # noqa: PLR2004 - more is a damaged header
        width = max(1, round(width * wide))
    return (height, width) if rotation(frame) in (90, 270) else (width, height)


def told_rate(stream: VideoStream) -> float | None:
    """Return the frames per second that the header tells.

    MP4 and MOV count their frames, so that it is the mean; elsewhere it is what an encoder meant to make.
    """
    rate = stream.average_rate or stream.guessed_rate
    return _rounded(rate) if rate else None


def mean_rate(stream: VideoStream, packets: Packets) -> float | None:
    """Return how many frames were shown per second, from the first to the end of the last."""
    seconds = packets.end_s - packets.first_s
    if seconds <= 0:
        return None
    nominal, tick = stream.average_rate or stream.guessed_rate, float(stream.time_base or 0)
    # A clock of milliseconds tells 29.97 from 29.98 after minutes only.
    if nominal and abs(packets.count / nominal - seconds) <= _TICKS * tick:
        return _rounded(nominal)
    return _rounded(packets.count / seconds)


def audio_tracks(video: VideoFile) -> list[dict[str, Any]]:
    """Return what is known of each audio stream."""
    found = []
    for number, stream in enumerate(video.container.streams.audio[:_MOST_TRACKS]):
        context: Any = stream.codec_context
        found.append(
            {
                "track": number,
                "codec": context.name if context else "unknown",
                "sample_rate_hz": int(context.sample_rate) if context else 0,
                "channels": int(context.layout.nb_channels) if context else 0,
                "language": text(stream.metadata.get("language")),
            }
        )
    return found


def text(value: str | None) -> str | None:
    """Return a text of the file's, short and without control characters."""
    return re.sub(r"[^\w !-~]+", " ", (value or "")[: 2 * _MOST_TEXT]).strip()[:_MOST_TEXT] or None


def _matrix(frame: VideoFrame) -> tuple[int, ...] | None:
    """Return what places the frame on the screen: x becomes m0 x + m3 y, y becomes m1 x + m4 y."""
    beside: Any = frame.side_data
    told = beside.get(Type.DISPLAYMATRIX)
    data = bytes(told) if told is not None else b""
    return _MATRIX.unpack(data) if len(data) == _MATRIX.size else None


def _rounded(rate: float | Fraction) -> float:
    return round(float(rate), 4)
