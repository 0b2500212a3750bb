"""A part of audio, exact to the sample."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from beam_jobs.contract.errors import StepError
from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall


class ExcerptParams(StepParams):
    """Which part, and what to make of it.

    :param where: ``start`` counts ``start_s`` from the beginning, ``middle`` takes the middle.
    :param duration_s: how long.
    :param short: what to do when there is less: ``take`` what there is, or ``fail`` the item.
    :param format: of the file; ``ogg`` is Vorbis. Opus and MP3 have few rates and at most two channels: the
        part is cut first, then resampled and mixed where needed.
    :param bits: per sample, of flac and wav.
    """

    where: Literal["start", "middle"] = "start"
    start_s: float = Field(default=0.0, ge=0, le=1e6)
    duration_s: float = Field(default=30.0, gt=0, le=1e6)
    short: Literal["take", "fail"] = "take"
    format: Literal["flac", "ogg", "opus", "mp3", "wav"] = "flac"
    bits: Literal[16, 24] = 16

    @model_validator(mode="after")
    def _begins_at_one_place(self) -> Self:
        if self.where == "middle" and self.start_s:
            raise ValueError(
                f"start_s {self.start_s:g} is of where start, and where is middle; leave one of them out"
            )
        return self


def _suffix(params: ExcerptParams) -> str:
    return f".{params.format}"


def _warm_up() -> None:
    from beam_jobs.media import cutting, decode_soundfile, encode_any, stream  # noqa: F401


@step("excerpt", version="2", makes=_suffix, params=ExcerptParams, warm_up=_warm_up)
def excerpt(call: StepCall, params: ExcerptParams) -> Path:
    """Write frames ``round(start_s * rate)`` up to ``round((start_s + duration_s) * rate)``, as they are.

    What is behind the part is not decoded, so a file that is cut there is no failure. For the middle of a
    file that does not say how long it is, it is decoded once to count.

    Source: the frames that libsndfile or FFmpeg decode, cut as FFmpeg's ``atrim`` does with ``start_sample``
    and ``end_sample``.
    """
    from beam_jobs.media.cutting import Counted, between, count_frames
    from beam_jobs.media.encode_any import channels_for, open_writer, rate_for
    from beam_jobs.media.mix import mixed
    from beam_jobs.media.resample import resampled, resampled_length
    from beam_jobs.media.stream import decoded, open_input

    total = None
    if params.where == "middle":
        with open_input(call) as audio:
            total = audio.info.frames or count_frames(decoded(call, audio))
    with open_input(call) as audio:
        info = audio.info
        length = max(1, round(params.duration_s * info.rate))
        start = round(params.start_s * info.rate) if total is None else max(0, (total - length) // 2)
        rate, channels = rate_for(params.format, info.rate), channels_for(params.format, info.channels)
        part = Counted(between(decoded(call, audio), start, start + length))
        with open_writer(
            call.output, format=params.format, rate=rate, channels=channels, bits=params.bits,
            frames=resampled_length(length, info.rate, rate),
        ) as writer:  # fmt: skip
            for block in resampled(mixed(iter(part), info.channels, channels), info.rate, rate):
                with call.stage("encode"):
                    writer.write(block)
            if not part.frames or (part.frames < length and params.short == "fail"):
                raise StepError(
                    f"item {call.item!r}: plays {audio.seconds_read:.3f} s, and {length / info.rate:g} s "
                    f"from {start / info.rate:g} s are wanted; choose an earlier or shorter part"
                )
    return call.output
