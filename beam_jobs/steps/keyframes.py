"""Where a video can be cut or joined into."""

from __future__ import annotations

from typing import Any

from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import VIDEO, step
from beam_jobs.media.call import StepCall
from beam_jobs.media.video_params import VideoParams


class KeyframesParams(VideoParams):
    """Nothing more to choose."""


class KeyframesResult(StepResult):
    """Key frames of a video's first video stream."""

    keyframes_s: list[float] = quantity(
        "s", "When each is shown, from the file's start.", shape="(keyframes,)"
    )
    frames: int = quantity("1", "Frames of the video.")
    frame_rate_hz: float | None = quantity(
        "Hz", "Mean number of frames per second, from the first to the end of the last."
    )
    longest_gap_s: float = quantity(
        "s", "The longest time between two key frames, or from the last to the end."
    )
    duration_s: float = quantity("s", "When the last frame has been shown.")


def _warm_up() -> None:
    from beam_jobs.media import video_facts  # noqa: F401


@step(
    "keyframes", version="2", makes=".json", takes=(VIDEO,), params=KeyframesParams, warm_up=_warm_up,
    result=KeyframesResult,
)  # fmt: skip
def keyframes(call: StepCall, params: KeyframesParams) -> dict[str, Any]:
    """Read all packets of a video without decoding one; a file that ends too early is found.

    Source: packets that FFmpeg's demultiplexer flags as key frames, at the times at which they are shown.

    :return: as :class:`KeyframesResult`.
    """
    from beam_jobs.media.video_facts import mean_rate
    from beam_jobs.media.video_file import VideoFile

    with call.stage("decode"), VideoFile(call.path("video"), max_pixels=params.max_pixels) as video:
        found = video.packets()
        rate = mean_rate(video.stream, found)
    call.media_seconds = found.end_s
    ends = [*found.keys_s[1:], found.end_s]
    return {
        "keyframes_s": [round(second, 6) for second in found.keys_s],
        "frames": found.count,
        "frame_rate_hz": rate,
        "longest_gap_s": round(
            max((b - a for a, b in zip(found.keys_s, ends, strict=False)), default=0.0), 6
        ),
        "duration_s": round(found.end_s, 6),
    }
