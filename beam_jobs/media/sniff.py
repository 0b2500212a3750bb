"""What a file is, told from its first bytes: a suffix is a claim, and often a wrong one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from beam_jobs.contract.errors import UndecodableMedia

_HEAD_BYTES: Final = 4096
_ID3_HEADER_BYTES: Final = 10

_MAGIC: Final = (
    (0, b"fLaC", "flac"),
    (0, b"RF64", "wav"),
    (0, b"riff\x2e\x91\xcf\x11", "w64"),
    (0, b"FORM", "aiff"),
    (0, b".snd", "au"),
    (0, b"caff", "caf"),
    (4, b"ftyp", "mp4"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"FLV\x01", "flv"),
    (0, b"\x00\x00\x01\xba", "mpegps"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
)
_VIDEO: Final = {"asf", "avi", "flv", "matroska", "mp4", "mpegps", "mpegts", "ogg"}
_RIFF: Final = {b"WAVE": "wav", b"AVI ": "avi"}
_MOV_ATOMS: Final = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
"""How QuickTime files from before ``ftyp`` begin."""

_TS_PACKET: Final = 188
_TS_TIMED_PACKET: Final = 192
_TS_SYNC: Final = 0x47

_OGG_CODECS: Final = ((b"\x01vorbis", "ogg-vorbis"), (b"OpusHead", "ogg-opus"), (b"\x7fFLAC", "ogg-flac"))


def sniff(path: Path, *, wanted: str = "audio") -> str:
    """Name the container of ``path``, e.g. ``wav``, ``ogg-opus``, ``mp3``, ``mp3-unindexed``, ``mpegts``.

    :param wanted: what to say that it does not hold: ``audio`` or ``video``.
    :raises UndecodableMedia: when the file is empty or nothing that can hold audio; playlists are among it.
    """
    with path.open("rb") as file:
        start = file.read(_HEAD_BYTES)
        if start[:3] == b"ID3" and len(start) >= _ID3_HEADER_BYTES:
            file.seek(_ID3_HEADER_BYTES + _syncsafe(start[6:10]))
            start = file.read(_HEAD_BYTES)
    if not start:
        raise UndecodableMedia(f"the file holds no {wanted} ({path.stat().st_size} bytes)")
    kind = _container(start)
    if kind is None:
        raise UndecodableMedia(f"no known {wanted} format; the file starts with {start[:16]!r}")
    return kind


def sniff_video(path: Path) -> str:
    """Name the container of a video as :func:`sniff`, and an Ogg file ``ogg`` whatever is in it.

    :raises UndecodableMedia: when the file is none of them.
    """
    kind = sniff(path, wanted="video").partition("-")[0]
    if kind not in _VIDEO:
        raise UndecodableMedia(f"a {kind} file holds no video")
    return kind


def _container(start: bytes) -> str | None:
    for offset, magic, kind in _MAGIC:
        if start.startswith(magic, offset):
            return kind
    if start.startswith(b"RIFF"):
        return _RIFF.get(start[8:12])
    if start[4:8] in _MOV_ATOMS:
        return "mp4"
    if _is_transport_stream(start):
        return "mpegts"
    if start.startswith(b"OggS"):
        return next((kind for magic, kind in _OGG_CODECS if magic in start[:256]), "ogg")
    return _mpeg(start)


def _is_transport_stream(start: bytes) -> bool:
    """Tell whether the first packets begin with the sync byte; cameras put four bytes of time before each."""
    return any(
        len(start) > 2 * size + before and all(start[before + n * size] == _TS_SYNC for n in range(3))
        for before, size in ((0, _TS_PACKET), (_TS_TIMED_PACKET - _TS_PACKET, _TS_TIMED_PACKET))
    )


def _mpeg(start: bytes) -> str | None:
    """Tell MP3 from ADTS by the frame header: both begin with 11 set bits.

    An MP3 without a Xing or Info frame does not say how long it is, and a decoder that guesses from
    the first bit rate is wrong by far when the rate varies; it is a kind of its own.
    """
    if len(start) < 4 or start[0] != 0xFF or start[1] & 0xE0 != 0xE0:  # noqa: PLR2004
        return None
    version, layer = start[1] >> 3 & 3, start[1] >> 1 & 3
    if layer == 0:
        return "adts" if start[1] & 0xF0 == 0xF0 else None  # noqa: PLR2004
    if version == 1 or start[2] >> 4 == 0xF or start[2] >> 2 & 3 == 3:  # noqa: PLR2004
        return None
    return "mp3" if b"Xing" in start[:256] or b"Info" in start[:256] else "mp3-unindexed"


def _syncsafe(four: bytes) -> int:
    """Return the size in an ID3v2 header: four bytes of seven bits each (ID3v2.4, 6.2)."""
    return four[0] << 21 | four[1] << 14 | four[2] << 7 | four[3]
