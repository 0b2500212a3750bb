"""What an audio file is, from its header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall


class ProbeParams(StepParams):
    """Nothing to choose."""


class ProbeResult(StepResult):
    """Facts of an audio file."""

    container: str = quantity("text", "wav, flac, mp3, ogg-vorbis, ogg-opus, mp4, matroska, …")
    codec: str = quantity("text", "FFmpeg's or libsndfile's name of the codec.")
    sample_rate_hz: int = quantity("Hz", "Frames per second.")
    channels: int = quantity("1", "Number of channels.")
    bit_rate_bps: int | None = quantity("bit/s", "Of the whole file; null when its length is not known.")
    tags: dict[str, str] = quantity("text", "Tags of the file, names in lower case.")
    cover_art: bool = quantity("1", "A picture is attached.")
    audio_tracks: int = quantity("1", "Number of audio streams; the facts are the first one's.")
    video: bool = quantity("1", "There are moving pictures.")
    frames: int | None = quantity("1", "Number of frames as the header claims; null when it does not.")
    duration_s: float | None = quantity("s", "Playing time as the file claims; null when it does not.")
    file_bytes: int = quantity("bytes", "Size of the file.")


def _warm_up() -> None:
    from beam_jobs.media import audio, container, decode_soundfile, tags  # noqa: F401


@step("probe", version="2", makes=".json", params=ProbeParams, warm_up=_warm_up, result=ProbeResult)
def probe(call: StepCall, params: ProbeParams) -> dict[str, Any]:
    """Read a header and as much behind it as a decoder needs to begin; ``quality`` reads the whole file.

    What its samples are worth is not looked at. Of the tags come at most 64, each of at most 500 characters,
    without control characters.

    Source: what libsndfile and FFmpeg read from the header, in their words.

    :return: as :class:`ProbeResult`.
    """
    from beam_jobs.media.audio import AudioFile

    path = call.path("audio")
    with call.stage("decode"):
        with AudioFile(path) as audio:
            info = audio.info
            next(audio.blocks())
        size = path.stat().st_size
        around, claimed_s = _around(path, info.container)
        duration = info.duration_s or claimed_s
        call.media_seconds = duration or 0.0
        return {
            "container": info.container,
            "codec": info.codec,
            "sample_rate_hz": info.rate,
            "channels": info.channels,
            "bit_rate_bps": round(8 * size / duration) if duration else None,
            **around,
            "frames": info.frames,
            "duration_s": round(duration, 6) if duration else None,
            "file_bytes": size,
        }


def _around(path: Path, kind: str) -> tuple[dict[str, Any], float | None]:
    """Return what the container says beside its sound, and for how long it claims to play."""
    from beam_jobs.media.container import DEMUXERS, open_container
    from beam_jobs.media.tags import has_cover, has_video, read_tags

    try:
        file = open_container(path, DEMUXERS[kind], kind=kind)
    except UndecodableMedia:  # the sound is there all the same: libsndfile forgives more headers
        return {"tags": {}, "cover_art": False, "audio_tracks": 1, "video": False}, None
    with file:
        found = {
            "tags": read_tags(file),
            "cover_art": has_cover(file),
            "audio_tracks": len(file.streams.audio),
            "video": has_video(file),
        }
        skipped_s = _opus_skips_s(file) if kind == "ogg-opus" else 0.0
        return found, max(0.0, file.duration / 1e6 - skipped_s) if file.duration else None


def _opus_skips_s(file: Any) -> float:
    """Return how long it is that a decoder drops at the beginning, which the pages' positions count.

    RFC 7845, 5.1: a 16-bit number behind ten bytes of the header, in samples of 48,000 a second.
    """
    header = file.streams.audio[0].codec_context.extradata or b""
    return int.from_bytes(header[10:12], "little") / 48_000
