"""Any audio to one rate, channel count and format, for every job after it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall


class DownsampleParams(StepParams):
    """What to make.

    :param sample_rate: frames per second, 1,000 to 192,000.
    :param channels: 1 = mean of all, 2 = stereo, None = as the input has.
    :param format: of the file; ``ogg`` is Vorbis.
    :param bits: per sample, of flac and wav.
    """

    sample_rate: int = Field(default=22050, ge=1_000, le=192_000)
    channels: Literal[1, 2] | None = 1
    format: Literal["flac", "ogg", "wav"] = "flac"
    bits: Literal[16, 24] = 16


def _suffix(params: DownsampleParams) -> str:
    return f".{params.format}"


def _warm_up() -> None:
    import beam_jobs.media.decode_soundfile
    import beam_jobs.media.encode
    import beam_jobs.media.stream
    import beam_jobs.media.written  # noqa: F401


@step("downsample", version="1", makes=_suffix, params=DownsampleParams, warm_up=_warm_up)
def downsample(call: StepCall, params: DownsampleParams) -> Path:
    """Decode, mix, resample and encode in blocks, so that three hours need no more memory than a song.

    The result has ``round(frames * sample_rate / input rate)`` frames, at least one.

    Source: libsoxr's HQ recipe resamples; one channel is the mean of all, two are the downmix of ITU-R
    BS.775-3, table 2; libsndfile encodes.
    """
    from beam_jobs.media.encode import AudioWriter
    from beam_jobs.media.resample import resampled_length
    from beam_jobs.media.stream import decoded, open_input
    from beam_jobs.media.written import Written

    written = Written(params.bits) if call.output_is_read and params.format == "flac" else None
    with open_input(call) as audio:
        info = audio.info
        expected = resampled_length(info.frames or 0, info.rate, params.sample_rate)
        writer = AudioWriter(
            call.output, format=params.format, rate=params.sample_rate,
            channels=params.channels or info.channels, bits=params.bits, frames=expected,
        )  # fmt: skip
        with writer:
            for block in decoded(call, audio, channels=params.channels, rate=params.sample_rate):
                with call.stage("encode"):
                    writer.write(block)
                    if written is not None:
                        written.note(block)
    if written is not None:
        written.keep(call.output)
    return call.output
