"""Frames of a video at given times, and a sheet of them."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from av.video.frame import VideoFrame
from PIL import Image

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.video_facts import mirrored, rotation, shown_size
from beam_jobs.media.video_file import VideoFile

_EARLIER_S = (0.0, 1.0, 5.0)
_NEARLY_S = 1e-4
"""Times are rounded to the clock of the container."""


def frames_at(
    video: VideoFile, times_s: Sequence[float], *, keys_s: Sequence[float], exact: bool
) -> Iterator[VideoFrame]:
    """Yield the frame that is shown at each time; times must not fall.

    What lies between is decoded only from the last key frame on, or not at all.

    :param keys_s: when the video's key frames are shown.
    :param exact: else the last key frame that is shown by then.
    :raises UndecodableMedia: when the file is damaged or holds no frame.
    """
    walk = _Walk(video)
    for second in times_s:
        place = bisect_right(keys_s, second + _NEARLY_S) - 1
        key = keys_s[place] if place >= 0 else 0.0
        walk.to(key if not exact and place >= 0 else second, from_key=0.0 if video.joined else key)
        yield walk.shown()


def tile(video: VideoFile, frame: VideoFrame, width: int) -> Image.Image:
    """Return a frame as an upright picture of that width."""
    across, down = shown_size(video.stream, frame)
    height = max(1, round(down * width / across))
    turn = rotation(frame)
    stored = (height, width) if turn in (90, 270) else (width, height)
    small = frame.reformat(width=stored[0], height=stored[1], format="rgb24", interpolation="AREA", threads=1)
    picture = Image.fromarray(small.to_ndarray())
    if mirrored(frame):
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return picture.rotate(-turn, expand=True)


def sheet(tiles: Sequence[Image.Image], *, columns: int, gap: int, quality: int) -> bytes:
    """Return the tiles side by side as JPEG, row by row, on black."""
    width, height = tiles[0].size
    rows = -(-len(tiles) // columns)
    size = (columns * (width + gap) - gap, rows * (height + gap) - gap)
    picture = Image.new("RGB", size)
    for number, one in enumerate(tiles):
        row, column = divmod(number, columns)
        # A stream may change its size on the way.
        fitting = one if one.size == (width, height) else one.resize((width, height))
        picture.paste(fitting, (column * (width + gap), row * (height + gap)))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, optimize=True)
    return file.getvalue()


class _Walk:
    """A place in a video that goes forward by decoding, or jumps to a key frame when that is nearer."""

    def __init__(self, video: VideoFile) -> None:
        self._video = video
        self._frames: Iterator[VideoFrame] | None = None
        self._now: VideoFrame | None = None
        self._next: VideoFrame | None = None

    def to(self, second: float, *, from_key: float) -> None:
        """Go on until the frame that is shown at ``second``."""
        if self._frames is None or self._at(self._now) < from_key - _NEARLY_S:
            self._frames = self._jump(from_key)
        while True:
            if self._next is None:
                self._next = next(self._frames, None)
            if self._next is None or (self._now is not None and self._at(self._next) > second + _NEARLY_S):
                return
            self._now, self._next = self._next, None

    def _jump(self, key: float) -> Iterator[VideoFrame]:
        """Go to a key frame; where there is no index a jump lands behind it at times, and is made again."""
        for earlier in _EARLIER_S:
            self._video.seek(max(0.0, key - earlier))
            frames = self._video.frames()
            self._now, self._next = None, next(frames, None)
            if self._next is not None and self._at(self._next) <= key + _NEARLY_S:
                return frames
        self._video.rewind()
        self._next = None
        return self._video.frames()

    def shown(self) -> VideoFrame:
        if self._now is None:
            raise UndecodableMedia(f"the {self._video.kind} file holds no frame that can be decoded")
        return self._now

    def _at(self, frame: VideoFrame | None) -> float:
        if frame is None:
            return float("-inf")
        place = frame.pts if frame.pts is not None else frame.dts
        return self._video.time_s(place) if place is not None else float("-inf")
