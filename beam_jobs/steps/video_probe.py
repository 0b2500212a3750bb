"""What a video is."""

from __future__ import annotations

from typing import Any

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import VIDEO, step
from beam_jobs.media.call import StepCall
from beam_jobs.media.video_params import VideoParams


class VideoProbeParams(VideoParams):
    """Nothing more to choose."""


class AudioTrack(StepResult):
    """An audio stream of a video."""

    track: int = quantity("1", "Number by which extract_audio takes it.")
    codec: str = quantity("text", "FFmpeg's name of the codec.")
    sample_rate_hz: int = quantity("Hz", "Frames per second; 0 when the header does not say.")
    channels: int = quantity("1", "Channels; 0 when the header does not say.")
    language: str | None = quantity("text", "As the file has it, mostly three letters.")


class VideoProbeResult(StepResult):
    """Facts of a video file."""

    container: str = quantity("text", "asf, avi, flv, matroska, mp4, mpegps, mpegts or ogg.")
    codec: str = quantity("text", "FFmpeg's name of the video's codec.")
    profile: str | None = quantity("text", "Profile of the codec.")
    pixel_format: str | None = quantity("text", "FFmpeg's name of how pixels are stored.")
    width_px: int = quantity("px", "Width of a frame as it is stored.")
    height_px: int = quantity("px", "Height of a frame as it is stored.")
    shown_width_px: int = quantity("px", "Width as it is shown: with square pixels, turned.")
    shown_height_px: int = quantity("px", "Height as it is shown: with square pixels, turned.")
    rotation_deg: int = quantity("deg", "By how much a player turns it clockwise: 0, 90, 180 or 270.")
    mirrored: bool = quantity("1", "Whether a player exchanges left and right before it turns it.")
    frame_rate_hz: float | None = quantity(
        "Hz",
        "Frames per second as the header has it: the mean in MP4 and MOV, else nominal.",
    )
    bit_rate_bps: int | None = quantity("bit/s", "Of the whole file.")
    audio_tracks: list[AudioTrack] = quantity("1", "Audio streams in order.", shape="(tracks,)")
    subtitle_tracks: int = quantity("1", "Number of subtitle streams.")
    duration_s: float | None = quantity("s", "Playing time as the file claims; null when it does not.")
    file_bytes: int = quantity("bytes", "Size of the file.")


def _warm_up() -> None:
    from beam_jobs.media import video_facts  # noqa: F401


@step(
    "video_probe", version="2", makes=".json", takes=(VIDEO,), params=VideoProbeParams, warm_up=_warm_up,
    result=VideoProbeResult,
)  # fmt: skip
def video_probe(call: StepCall, params: VideoProbeParams) -> dict[str, Any]:
    """Read a video's header and decode its first frame; ``keyframes`` reads the whole file.

    Source: what FFmpeg's libraries read from the header and of the first frame, in their words.

    :return: as :class:`VideoProbeResult`.
    """
    from beam_jobs.media import video_facts
    from beam_jobs.media.video_file import VideoFile

    path = call.path("video")
    with call.stage("decode"), VideoFile(path, max_pixels=params.max_pixels) as video:
        first = next(video.frames(), None)
        if first is None:
            raise UndecodableMedia(f"the {video.kind} file holds no frame that can be decoded")
        call.media_seconds = video.claimed_s or 0.0
        size = path.stat().st_size
        width, height = video_facts.shown_size(video.stream, first)
        return {
            "container": video.kind,
            "codec": video.stream.codec_context.name,
            "profile": video_facts.text(video.stream.profile),
            "pixel_format": video.stream.codec_context.pix_fmt,
            "width_px": first.width,
            "height_px": first.height,
            "shown_width_px": width,
            "shown_height_px": height,
            "rotation_deg": video_facts.rotation(first),
            "mirrored": video_facts.mirrored(first),
            "frame_rate_hz": video_facts.told_rate(video.stream),
            "bit_rate_bps": round(8 * size / call.media_seconds) if call.media_seconds else None,
            "audio_tracks": video_facts.audio_tracks(video),
            "subtitle_tracks": len(video.container.streams.subtitles),
            "duration_s": round(video.claimed_s, 6) if video.claimed_s else None,
            "file_bytes": size,
        }
