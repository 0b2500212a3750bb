"""Hashes of what an image looks like: alike images have hashes that differ in few bits."""

from __future__ import annotations

from typing import Final

import imagehash
from PIL import Image

from beam_jobs.media.image_colour import flattened
from beam_jobs.media.image_resize import resized

_SIDE: Final = 512
"""Large enough for the largest hash; JPEG need not decode more."""


def hashes(image: Image.Image, *, hash_size: int) -> dict[str, str]:
    """Return the hashes of an opened image by name, as hexadecimal digits."""
    small = resized(image, (_SIDE, _SIDE), how="fit", enlarge=False, quick=True)
    seen = flattened(small, "#ffffff").convert("L")
    return {
        "phash_hex": str(imagehash.phash(seen, hash_size=hash_size)),
        "dhash_hex": str(imagehash.dhash(seen, hash_size=hash_size)),
    }


def hamming(left: str, right: str) -> int:
    """Return in how many bits two hashes of the same kind and size differ."""
    if len(left) != len(right):
        raise ValueError(f"hashes of {4 * len(left)} and {4 * len(right)} bits cannot be compared")
    return (int(left, 16) ^ int(right, 16)).bit_count()
