"""Parameters that steps over images share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from beam_jobs.contract.step import StepParams

ImageFormat = Literal["jpeg", "webp", "png"]

SUFFIXES: dict[ImageFormat, str] = {"jpeg": ".jpg", "webp": ".webp", "png": ".png"}


class ImageParams(StepParams):
    """What a step may read.

    :param max_pixels: an image whose header claims more is refused before any pixel is decoded. Decoding
        takes up to 4 bytes of memory for each, and as much again where colours must be converted.
    """

    max_pixels: int = Field(default=100_000_000, ge=1, le=1_000_000_000)


class PictureParams(ImageParams):
    """How a step writes an image.

    :param format: of the file.
    :param quality: of jpeg and webp; png loses nothing.
    :param background: colour under transparent parts where the format has none (jpeg), ``#rrggbb``.
    """

    format: ImageFormat = "jpeg"
    quality: int = Field(default=82, ge=1, le=100)
    background: str = Field(default="#ffffff", pattern=r"^#[0-9a-fA-F]{6}$")


def picture_suffix(params: PictureParams) -> str:
    """Return how the file ends that is written with ``params``."""
    return SUFFIXES[params.format]
