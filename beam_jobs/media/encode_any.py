"""The writer of a format, whichever library has it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from beam_jobs.media.encode import AudioWriter
from beam_jobs.media.encode_av import AvWriter

AnyFormat = Literal["flac", "ogg", "opus", "mp3", "wav"]

_KBPS = {"opus": 128, "mp3": 192}


def open_writer(
    path: Path,
    *,
    format: AnyFormat,
    rate: int,
    channels: int,
    bits: Literal[16, 24] = 16,
    bit_rate_kbps: int | None = None,
    frames: int = 0,
) -> AudioWriter | AvWriter:
    """Return a writer of ``format``; use it in a ``with``.

    :param bits: per sample, of flac and wav.
    :param bit_rate_kbps: of opus and mp3.
    :param frames: how many will come, if known.
    :raises StepError: when the format cannot hold it.
    """
    if format == "opus" or format == "mp3":  # noqa: PLR1714 - so that the types are told apart
        kbps = bit_rate_kbps or _KBPS[format]
        return AvWriter(path, format=format, rate=rate, channels=channels, bit_rate=1000 * kbps)
    return AudioWriter(path, format=format, rate=rate, channels=channels, bits=bits, frames=frames)
