"""Images whose looks are known, and files that are no images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.samples import text_named_mp3, truncate

CORNERS = {"red": (220, 30, 30), "green": (30, 200, 60), "blue": (40, 60, 230), "yellow": (230, 220, 40)}
"""Colours of the quarters of :func:`quarters`: left above, right above, left below, right below."""


def quarters(width: int = 320, height: int = 200) -> Image.Image:
    """A picture that shows which way is up: four coloured quarters."""
    image = Image.new("RGB", (width, height))
    places = [(0, 0), (width // 2, 0), (0, height // 2), (width // 2, height // 2)]
    for colour, place in zip(CORNERS.values(), places, strict=True):
        image.paste(colour, (*place, place[0] + width // 2, place[1] + height // 2))
    return image


def scene(seed: int, width: int = 640, height: int = 480) -> Image.Image:
    """A picture like no other: soft blobs of light, the same for the same seed."""
    drawn = np.random.default_rng(seed)
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    light = np.zeros((height, width, 3))
    for _ in range(24):
        x, y, size = drawn.random(), drawn.random(), 0.04 + 0.2 * drawn.random()
        blob = np.exp(-((across - x) ** 2 + (down - y) ** 2) / size**2)
        light += blob[..., None] * drawn.normal(0, 1, 3)
    light += drawn.normal(0, 0.05, light.shape)
    low, high = light.min(), light.max()
    return Image.fromarray(np.uint8(255 * (light - low) / (high - low)))


def write_image(path: Path, image: Image.Image, **options: Any) -> Path:
    """Write an image; the format follows from the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def zero_bytes(folder: Path) -> Path:
    """A file of no bytes under an image's name."""
    path = folder / "zero.png"
    path.touch()
    return path


def truncated_jpeg(folder: Path) -> Path:
    """The first 60 % of a photo."""
    return truncate(write_image(folder / "cut.jpg", scene(1)))


def postscript(folder: Path) -> Path:
    """A program in PostScript, for which Pillow would start Ghostscript."""
    path = folder / "drawing.eps"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\nshowpage\n")
    return path


def huge_png(folder: Path) -> Path:
    """A header for 60,000 x 60,000 pixels before a few."""
    path = write_image(folder / "huge.png", quarters())
    data = bytearray(path.read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)
    return path


UNDECODABLE: dict[str, Callable[[Path], Path]] = {
    "zero bytes": zero_bytes,
    "text": text_named_mp3,
    "truncated jpeg": truncated_jpeg,
    "PostScript": postscript,
    "60,000 x 60,000 claimed": huge_png,
}
"""Files that no step over images can read, by what is wrong with them."""
