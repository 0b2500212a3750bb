"""Ways to damage the bytes of a file, each decided by a random number generator alone."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random

HEADER = 512
"""Most headers end before this; a flip there does more than one among the samples."""

LIES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 10**6, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
LONG_LIES = (0, 10**6, 2**31, 2**32, 2**36 - 1, 2**63 - 1, 2**64 - 1)

Mutation = Callable[[bytes, Random], bytes]


def flip_bytes(whole: bytes, draw: Random) -> bytes:
    """Change some bytes anywhere."""
    data = bytearray(whole)
    for _ in range(draw.choice((1, 4, 16, 64, 256))):
        data[draw.randrange(len(data))] = draw.randrange(256)
    return bytes(data)


def flip_bits_of_header(whole: bytes, draw: Random) -> bytes:
    """Change single bits near the start."""
    data = bytearray(whole)
    for _ in range(draw.randint(1, 8)):
        data[draw.randrange(min(HEADER, len(data)))] ^= 1 << draw.randrange(8)
    return bytes(data)


def lie_in_header(whole: bytes, draw: Random) -> bytes:
    """Put an extreme number where a header may hold a rate, a count or a size."""
    data = bytearray(whole)
    order = draw.choice("<>")
    for _ in range(draw.randint(1, 3)):
        kind = draw.choice("BHIQ")
        number = draw.choice(LONG_LIES if kind == "Q" else LIES)
        size = struct.calcsize(kind)
        number &= (1 << 8 * size) - 1
        at = draw.randrange(max(1, min(HEADER, len(data)) - size))
        data[at : at + size] = struct.pack(f"{order}{kind}", number)
    return bytes(data)


def truncate(whole: bytes, draw: Random) -> bytes:
    """Cut the end off, often much of it."""
    return whole[: max(1, int(len(whole) * draw.random() ** 2))]


def delete_chunk(whole: bytes, draw: Random) -> bytes:
    """Take some bytes out."""
    start, size = _chunk(whole, draw)
    return whole[:start] + whole[start + size :] or b"\0"


def insert_noise(whole: bytes, draw: Random) -> bytes:
    """Put random bytes in."""
    start, size = _chunk(whole, draw)
    return whole[:start] + draw.randbytes(size) + whole[start:]


def double_chunk(whole: bytes, draw: Random) -> bytes:
    """Repeat some bytes, so that headers and pages come twice."""
    start, size = _chunk(whole, draw)
    return whole[: start + size] + whole[start : start + size] * draw.randint(1, 5) + whole[start + size :]


def blank_chunk(whole: bytes, draw: Random) -> bytes:
    """Overwrite some bytes with one value."""
    start, size = _chunk(whole, draw)
    return whole[:start] + bytes([draw.choice((0, 0xFF))]) * size + whole[start + size :]


def move_chunk(whole: bytes, draw: Random) -> bytes:
    """Put some bytes elsewhere."""
    start, size = _chunk(whole, draw)
    rest = whole[:start] + whole[start + size :]
    at = draw.randint(0, len(rest))
    return rest[:at] + whole[start : start + size] + rest[at:]


def prepend_noise(whole: bytes, draw: Random) -> bytes:
    """Let the file begin late."""
    return draw.randbytes(draw.choice((1, 3, 128, 5000))) + whole


MUTATIONS: dict[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (
        flip_bytes, flip_bits_of_header, lie_in_header, truncate, delete_chunk, insert_noise, double_chunk,
        blank_chunk, move_chunk, prepend_noise,
    )
}  # fmt: skip


def splice(one: bytes, other: bytes, draw: Random) -> bytes:
    """Join the start of one file to the end of another."""
    return one[: draw.randint(1, len(one))] + other[draw.randrange(len(other)) :]


def _chunk(whole: bytes, draw: Random) -> tuple[int, int]:
    """Return where some bytes begin, half of the time in the header, and how many they are."""
    start = draw.randrange(min(HEADER, len(whole)) if draw.random() < 0.5 else len(whole))
    return start, draw.choice((1, 2, 4, 16, 200, 4096))
