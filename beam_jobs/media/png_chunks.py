"""What a PNG file holds behind its pixels."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

_SIGNATURE_BYTES: Final = 8
_HEAD: Final = struct.Struct(">I4s")
_CHECKSUM_BYTES: Final = 4


def late_exif(path: Path) -> bytes | None:
    """Return the EXIF data that stands behind the pixels, as ImageMagick writes it; None when there is none.

    Pillow comes to it when it has decoded the image, which is too late to know which side is up.
    """
    with path.open("rb") as file:
        seen_pixels = False
        for name, length in _chunks(file):
            seen_pixels = seen_pixels or name == b"IDAT"
            if name == b"eXIf" and seen_pixels:
                return file.read(length)
    return None


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield the name and length of each chunk, with the file at its data, and skip them."""
    at = _SIGNATURE_BYTES
    while True:
        file.seek(at)
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return
        length, name = _HEAD.unpack(head)
        if name == b"IEND":
            return
        yield name, length
        at += _HEAD.size + length + _CHECKSUM_BYTES
