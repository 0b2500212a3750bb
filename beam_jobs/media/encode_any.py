"""The writer of a format, whichever library has it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from beam_jobs.media.encode import AudioWriter
from beam_jobs.media.encode_av import AvWriter
from beam_jobs.media.lossy_rates import MP3_RATES, OPUS_RATE, mp3_kbps

AnyFormat = Literal["flac", "ogg", "opus", "mp3", "wav"]

_KBPS = {"opus": 128, "mp3": 192}


def rate_for(format: AnyFormat, own: int, *, wanted: int | None = None) -> int:
    """Return the rate to write at.

    :param own: the input's, to keep where the format has it; MP3 takes the next one that it has.
    :param wanted: what was asked for; Opus always has 48,000.
    """
    if format == "opus":
        return OPUS_RATE
    if wanted is not None:
        return wanted
    return next((rate for rate in MP3_RATES if rate >= own), MP3_RATES[-1]) if format == "mp3" else own


def channels_for(format: AnyFormat, own: int, *, wanted: int | None = None) -> int:
    """Return how many channels to write: what was asked for, or the input's, of Opus and MP3 at most 2."""
    return wanted or (min(own, 2) if format in ("opus", "mp3") else own)


def open_writer(
    path: Path,
    *,
    format: AnyFormat,
    rate: int,
    channels: int,
    bits: Literal[16, 24] = 16,
    bit_rate_kbps: int | None = None,
    quality: float | None = None,
    frames: int = 0,
) -> AudioWriter | AvWriter:
    """Return a writer of ``format``; use it in a ``with``.

    :param bits: per sample, of flac and wav.
    :param bit_rate_kbps: of opus and mp3; None = 128 and 192, or the most that there is for few channels or a
        low rate.
    :param quality: of ogg, 0 to 10; None = 4.
    :param frames: how many will come, if known.
    :raises StepError: when the format cannot hold it.
    """
    if format == "opus" or format == "mp3":  # noqa: PLR1714 - so that the types are told apart
        kbps = bit_rate_kbps or min(_KBPS[format], mp3_kbps(rate)[-1] if format == "mp3" else 512)
        return AvWriter(path, format=format, rate=rate, channels=channels, bit_rate=1000 * kbps)
    return AudioWriter(
        path, format=format, rate=rate, channels=channels, bits=bits, quality=quality, frames=frames
    )
