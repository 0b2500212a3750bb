"""One song into its vocals and its accompaniment."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall

_HIGHEST_RATE_HZ = 48_000


class SeparateVocalsParams(StepParams):
    """How to separate, and what to write.

    :param method: ``median``: what is neither a held note nor a click (FitzGerald & Gainza 2010);
        ``repeating``: what is unlike the most similar places of the song (Rafii & Pardo 2012).
    :param sample_rate: frames per second of both parts; None = the input's, at most 48,000.
    :param channels: 1 or 2; None = the input's, at most 2.
    :param format: of the files; ``ogg`` is Vorbis.
    """

    method: Literal["median", "repeating"] = "median"
    sample_rate: int | None = Field(default=None, ge=8_000, le=_HIGHEST_RATE_HZ)
    channels: Literal[1, 2] | None = None
    format: Literal["flac", "ogg", "wav"] = "flac"


class SeparatedPart(StepResult):
    """One of the two files."""

    name: str = quantity("text", "Name of the child: song/~00000 is the item of its file.")
    part: Literal["vocals", "accompaniment"] = quantity("text", "What the file holds.")
    rms_dbfs: float = quantity("dBFS", "RMS level, at least -120.")


class SeparateVocalsResult(StepResult):
    """Index of the parts."""

    children: list[SeparatedPart] = quantity("1", "The files, vocals first.", shape="(2,)")
    sample_rate_hz: int = quantity("Hz", "Frames per second of both files.")
    channels: int = quantity("1", "Channels of both files.")
    duration_s: float = quantity("s", "Playing time of the input.")


def _suffix(params: SeparateVocalsParams) -> str:
    return f".{params.format}"


def _warm_up() -> None:
    from beam_jobs.media import decode_soundfile, encode, separation, stream  # noqa: F401


@step(
    "separate_vocals", version="1", makes=".json", params=SeparateVocalsParams, warm_up=_warm_up,
    result=SeparateVocalsResult, children=_suffix,
)  # fmt: skip
def separate_vocals(call: StepCall, params: SeparateVocalsParams) -> dict[str, Any]:
    """Part audio into vocals and accompaniment, which add up to the mixture.

    No model: ``median`` takes for a voice what glides or trembles too much for a steady line in a long window
    and is no click in a short one, so a bowed or bent note is vocals, too; ``repeating`` takes for
    accompaniment what comes back, so a chorus that comes back is accompaniment. docs/accuracy.md tells how
    good they are. Below 100 Hz all is accompaniment. Works on 10 s (``repeating``: 60 s) at a time, so that
    three hours need no more memory than a song: about 100 MB (``repeating``: 450 MB) for stereo at 44.1 kHz.

    Source: ``median`` after D. FitzGerald & M. Gainza, "Single channel vocal separation using median
    filtering and factorisation techniques", ISAST Transactions, 2010; ``repeating`` after Z. Rafii & B.
    Pardo, "Music/voice separation using the similarity matrix", ISMIR 2012.

    :return: the index: ``children`` (``name``, ``part``, ``rms_dbfs``), ``sample_rate_hz``, ``channels``,
        ``duration_s``; the files are the children.
    """
    from contextlib import ExitStack

    from beam_jobs.media.encode import AudioWriter
    from beam_jobs.media.level import PowerSum
    from beam_jobs.media.resample import resampled_length
    from beam_jobs.media.separation import separated
    from beam_jobs.media.stream import decoded, open_input

    with open_input(call) as audio, ExitStack() as files:
        info = audio.info
        rate = params.sample_rate or min(info.rate, _HIGHEST_RATE_HZ)
        channels = params.channels or min(info.channels, 2)
        frames = resampled_length(info.frames or 0, info.rate, rate)
        writers = [
            files.enter_context(
                AudioWriter(call.child(), format=params.format, rate=rate, channels=channels, frames=frames)
            )
            for _ in ("vocals", "accompaniment")
        ]
        powers = [PowerSum(), PowerSum()]
        for parts in separated(decoded(call, audio, channels=channels, rate=rate), rate, params.method):
            for writer, power, block in zip(writers, powers, parts, strict=True):
                power.add(block)
                with call.stage("encode"):
                    writer.write(block)
    return {
        "children": [
            {"name": name, "part": part, "rms_dbfs": round(power.rms_dbfs(), 2)}
            for name, part, power in zip(call.children, ("vocals", "accompaniment"), powers, strict=True)
        ],
        "sample_rate_hz": rate,
        "channels": channels,
        "duration_s": round(call.media_seconds, 6),
    }
