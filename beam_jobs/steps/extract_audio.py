"""The sound of a video, for the jobs over audio."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from beam_jobs.contract.step import VIDEO, StepParams, step
from beam_jobs.media.call import StepCall


class ExtractAudioParams(StepParams):
    """What to make.

    :param track: which audio stream, as ``video_probe`` numbers them.
    :param format: of the file; ``ogg`` is Vorbis, ``copy`` puts the stream as it is into Matroska (``.mka``).
    :param bits: per sample, of flac and wav.
    """

    track: int = Field(default=0, ge=0, le=63)
    format: Literal["flac", "wav", "ogg", "copy"] = "flac"
    bits: Literal[16, 24] = 16


def _suffix(params: ExtractAudioParams) -> str:
    return ".mka" if params.format == "copy" else f".{params.format}"


def _warm_up() -> None:
    import beam_jobs.media.decode_av
    import beam_jobs.media.encode
    import beam_jobs.media.video_sound  # noqa: F401


@step(
    "extract_audio", version="3", makes=_suffix, takes=(VIDEO,), params=ExtractAudioParams, warm_up=_warm_up
)
def extract_audio(call: StepCall, params: ExtractAudioParams) -> Path:
    """Write one audio stream in blocks, at its own rate and with its own channels.

    It begins with the stream's first sample, also where that comes later than the first picture.

    Source: FFmpeg's libraries demultiplex and decode, libsndfile encodes; with ``copy`` FFmpeg writes the
    packets as they are.
    """
    from beam_jobs.media.audio import AudioFile
    from beam_jobs.media.bad_samples import refusing_bad
    from beam_jobs.media.encode import AudioWriter
    from beam_jobs.media.sniff import sniff_video
    from beam_jobs.media.video_sound import copy_sound

    path = call.path("video")
    if params.format == "copy":
        with call.stage("decode"):
            call.media_seconds = copy_sound(path, call.output, track=params.track)
        return call.output
    with call.stage("decode"):
        sniff_video(path)
        audio = AudioFile(path, track=params.track)
    with audio:
        writer = AudioWriter(
            call.output, format=params.format, rate=audio.info.rate, channels=audio.info.channels,
            bits=params.bits, frames=round((audio.info.duration_s or 0) * audio.info.rate),
        )  # fmt: skip
        blocks = refusing_bad(audio.blocks(), audio.info.rate)
        with writer:
            while True:
                with call.stage("decode"):
                    block = next(blocks, None)
                if block is None:
                    break
                with call.stage("encode"):
                    writer.write(block)
        call.media_seconds = audio.seconds_read
    return call.output
