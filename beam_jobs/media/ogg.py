"""Ogg pages (RFC 3533): whether a stream was cut, and a serial number that does not change.

libsndfile draws the serial number of each stream it writes at random, so that the same samples never
give the same bytes twice; :func:`set_serial` puts a fixed one in its place.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_CAPTURE: Final = b"OggS\x00"
_HEADER_BYTES: Final = 27
_SEGMENTS_AT: Final = 26
_MAX_PAGE_BYTES: Final = _HEADER_BYTES + 255 + 255 * 255
_END_OF_STREAM: Final = 0x04
_REVERSED_BYTES: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def cut_reason(path: Path) -> str | None:
    """Say how the Ogg file at ``path`` was cut, or None when its last page ends the stream."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 2 * _MAX_PAGE_BYTES))
        tail = file.read()
    start = tail.rfind(_CAPTURE)
    if start < 0:
        return "its last part holds no Ogg page"
    length = _page_length(tail[start:])
    if length is None or start + length > len(tail):
        return "its last Ogg page is incomplete"
    if not tail[start + 5] & _END_OF_STREAM:
        return "its last Ogg page does not end the stream"
    return None


def set_serial(path: Path, serial: int = 1) -> None:
    """Write ``serial`` and the checksum that follows from it into every page of ``path``."""
    with path.open("r+b") as file:
        for start, page in _pages(file.fileno()):
            page[14:18] = serial.to_bytes(4, "little")
            page[22:26] = bytes(4)
            page[22:26] = checksum(page).to_bytes(4, "little")
            file.seek(start)
            file.write(page)


def checksum(page: bytes | bytearray) -> int:
    """Return the CRC of RFC 3533: polynomial 0x04c11db7, most significant bit first, from zero.

    zlib has the same polynomial with the bits the other way round, and is native code.
    """
    mirrored = zlib.crc32(page.translate(_REVERSED_BYTES), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_REVERSED_BYTES), "big")


def _pages(descriptor: int) -> Iterator[tuple[int, bytearray]]:
    start = 0
    while head := os.pread(descriptor, _HEADER_BYTES + 255, start):
        length = _page_length(head)
        if length is None:
            raise ValueError(f"no Ogg page at byte {start}")
        yield start, bytearray(os.pread(descriptor, length, start))
        start += length


def _page_length(head: bytes) -> int | None:
    """Return the length in bytes of the page that begins with ``head``; None when it is too short."""
    if len(head) < _HEADER_BYTES or not head.startswith(_CAPTURE):
        return None
    segments = head[_SEGMENTS_AT]
    table = head[_HEADER_BYTES : _HEADER_BYTES + segments]
    return _HEADER_BYTES + segments + sum(table) if len(table) == segments else None
