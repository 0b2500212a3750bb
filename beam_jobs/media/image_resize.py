"""Images of another size, upright."""

from __future__ import annotations

from typing import Final, Literal

from PIL import Image

from beam_jobs.media.image_colour import plain, to_srgb
from beam_jobs.media.image_facts import TURNED, orientation
from beam_jobs.media.image_file import load_pixels

Fit = Literal["fit", "fill", "exact"]
Size = tuple[int, int]
Box = tuple[float, float, float, float]

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_ROOM: Final = 2
"""JPEG's own halving stops at this many times the wanted size, so that the filter has enough to work on."""


def resized(
    image: Image.Image, box: Size, *, how: Fit, enlarge: bool = True, quick: bool = False
) -> Image.Image:
    """Return the opened image upright in sRGB, resized with a Lanczos filter.

    :param box: width and height, of the image as it is shown.
    :param how: ``exact`` = that size, whatever becomes of the proportions; ``fill`` = that size, what sticks
        out is cut off on both sides alike; ``fit`` = as large as fits into it.
    :param enlarge: with ``fit``, let a small image grow.
    :param quick: let JPEG decode fewer pixels and halve large ones first; a little less exact.
    """
    told = orientation(image)
    if quick:
        image.draft(None, (_ROOM * max(box), _ROOM * max(box)))
    load_pixels(image)
    profile = image.info.get("icc_profile")
    if image.format == "TIFF":  # Pillow has turned it.
        told = 1
    here = (box[1], box[0]) if told >= TURNED else box
    whole = plain(image)
    size, part = target(whole.size, here, how=how, enlarge=enlarge)
    sized = whole.resize(size, Image.Resampling.LANCZOS, box=part, reducing_gap=3.0 if quick else None)
    upright = to_srgb(sized, profile)
    if told in _TURNS:
        upright = upright.transpose(_TURNS[told])
    upright.info.clear()  # else the encoders write comments and profiles of the source
    return upright


def target(size: Size, box: Size, *, how: Fit, enlarge: bool = True) -> tuple[Size, Box]:
    """Return the size to make of an image of ``size``, and which part of it to take."""
    width, height = size
    if how == "fill":
        scale = max(box[0] / width, box[1] / height)
        across, down = min(width, box[0] / scale), min(height, box[1] / scale)
        left, top = (width - across) / 2, (height - down) / 2
        return box, (left, top, left + across, top + down)
    if how == "fit":
        scale = min(box[0] / width, box[1] / height)
        if not enlarge:
            scale = min(1.0, scale)
        box = (max(1, round(width * scale)), max(1, round(height * scale)))
    return box, (0, 0, width, height)
