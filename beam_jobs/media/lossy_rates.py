"""Which sample rates and bit rates Opus and MP3 have, and how loud LAME leaves what it encodes."""

from __future__ import annotations

from typing import Final

OPUS_RATE: Final = 48_000
OPUS_KBPS: Final = (6, 256)
"""Least for a file, and most for each channel (RFC 6716)."""

MP3_RATES: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_MP3_KBPS: Final = (
    (32_000, (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)),
    (16_000, (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)),
    (8_000, (8, 16, 24, 32, 40, 48, 56, 64)),
)


def mp3_kbps(rate: int) -> tuple[int, ...]:
    """Return the bit rates that MP3 has at a sample rate (ISO/IEC 11172-3 and 13818-3, and MPEG 2.5)."""
    return next(there for least, there in _MP3_KBPS if rate >= least)


_LAME_SCALES: Final = ((160, 0.95), (192, 0.97), (224, 0.98))


def lame_scale(kbps: int) -> float:
    """Return by what LAME multiplies the samples that it is given at a constant bit rate.

    Its presets make room for what encoding adds to peaks, and FFmpeg has no option against that. The numbers
    are of ``apply_abr_preset`` in LAME 3.100's presets.c.
    """
    return next((scale for most, scale in _LAME_SCALES if kbps <= most), 1.0)
