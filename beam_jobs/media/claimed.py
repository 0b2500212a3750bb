"""For how long a container says that an audio stream in it plays."""

from __future__ import annotations

import re
from typing import Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

_TIMED: Final = {"matroska", "mp4", "asf", "avi"}
"""Containers whose header holds a duration; elsewhere FFmpeg guesses it from a bit rate."""

_MATROSKA_DURATION: Final = re.compile(r"(\d+):(\d+):(\d+\.?\d*)")


def claimed_s(file: InputContainer, stream: AudioStream, kind: str) -> float | None:
    """Return the playing time that the header claims for the stream; beside video it may be shorter.

    :param kind: of container, as :func:`beam_jobs.media.sniff.sniff` names it.
    :return: None when it does not say.
    """
    if kind not in _TIMED:
        return None
    pictures = file.streams.video
    # Matroska counts from 0, wherever the sound begins.
    first = (stream.start_time or 0) * (stream.time_base or 0) if kind == "matroska" else 0
    late_s = max(0.0, float(first))
    if all(video.disposition & Disposition.attached_pic for video in pictures):
        whole = file.duration
        return max(0.0, whole / av.time_base - late_s) if whole else None
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    told = _MATROSKA_DURATION.match(stream.metadata.get("DURATION", ""))
    if not told:
        return None
    end = sum(float(part) * unit for part, unit in zip(told.groups(), (3600, 60, 1), strict=True))
    return max(0.0, end - late_s)
