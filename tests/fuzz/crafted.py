"""Files that are hostile by design: lies, bombs, disguises, references to other files and addresses.

Each function returns the bytes of one file; none of them is large, whatever it claims.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable

from tests.fuzz.originals import ogg_page, video_of_packets
from tests.samples import RATE


def _wav(rate: int, channels: int, bits: int, claimed: int, data: bytes, *, tag: int = 1) -> bytes:
    align = channels * bits // 8
    form = struct.pack(
        "<HHIIHH", tag, channels & 0xFFFF, rate, rate * align & 0xFFFFFFFF, align & 0xFFFF, bits
    )
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", claimed) + data
    return b"RIFF" + struct.pack("<I", min(claimed + 36, 2**32 - 1)) + b"WAVE" + chunks


def _flac(frames: int, rate: int = RATE, channels: int = 2, bits: int = 16) -> bytes:
    packed = rate << 44 | (channels - 1) << 41 | (bits - 1) << 36 | frames
    info = struct.pack(">HH", 16, 65_535) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    return b"fLaC" + b"\x80" + len(info).to_bytes(3, "big") + info + b"\xff\xf8\xc9\x18" + bytes(1000)


def _ogg_page(body: bytes, *, position: int = 0, flags: int = 2) -> bytes:
    head = struct.pack("<4sBBqIII", b"OggS", 0, flags, position, 1, 0, 0)
    return head + bytes([1, len(body) & 0xFF]) + body


def _vorbis(rate: int, channels: int) -> bytes:
    body = b"\x01vorbis" + struct.pack("<IBIIII", 0, channels, rate, 0, 128_000, 0)[:-3] + b"\xb8\x01"
    return _ogg_page(body) + _ogg_page(b"\x03vorbis" + b"\xff" * 60, flags=0)


def _opus_bomb(minutes: int) -> bytes:
    """Return Opus whose packets are a byte each and stand for 60 ms of stereo (RFC 6716, 3.1)."""
    head = b"OpusHead\x01\x02" + struct.pack("<HIhB", 0, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<II", 0, 0)
    packets, position = b"\x1c" * 255, 0
    pages = [_opus_page(0, 2, 0, bytes([len(head)]), head), _opus_page(1, 0, 0, bytes([len(tags)]), tags)]
    for number in range(minutes * 4):
        position += 255 * 2_880
        pages.append(_opus_page(number + 2, 0, position, b"\1" * 255, packets))
    return b"".join(pages)


def _opus_page(number: int, flags: int, position: int, laces: bytes, body: bytes) -> bytes:
    facts = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, position, 1, number, 0, len(laces))
    return ogg_page(facts + laces + body)


def _id3_picture(picture: bytes) -> bytes:
    """Return an ID3 tag with cover art."""
    body = b"\0image/png\0\3\0" + picture
    frame = b"APIC" + struct.pack(">IH", len(body), 0) + body
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + frame


def _box(name: bytes, *parts: bytes, size: int | None = None) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8 if size is None else size) + name + body


def _nested_boxes(depth: int) -> bytes:
    body = b""
    for _ in range(depth):
        body = _box(b"moov", body)
    return _box(b"ftyp", b"isom\0\0\2\0isom") + body


def _ebml(identity: bytes, *parts: bytes, size: int | None = None) -> bytes:
    body = b"".join(parts)
    return identity + struct.pack(">Q", (len(body) if size is None else size) | 1 << 56) + body


def _matroska(*parts: bytes) -> bytes:
    kind = _ebml(b"\x42\x82", b"matroska")
    return _ebml(b"\x1a\x45\xdf\xa3", kind) + _ebml(b"\x18\x53\x80\x67", *parts)


def _attachment(name: bytes, inner: bytes) -> bytes:
    facts = (_ebml(b"\x46\x6e", name), _ebml(b"\x46\x60", b"video/mp4"), _ebml(b"\x46\x5c", inner))
    return _ebml(b"\x19\x41\xa4\x69", _ebml(b"\x61\xa7", *facts))


def _track(width: int, height: int) -> bytes:
    """Return a Matroska track of uncompressed video of that size, with one nearly empty frame."""
    sizes = (_ebml(b"\xb0", struct.pack(">I", width)), _ebml(b"\xba", struct.pack(">I", height)))
    facts = (_ebml(b"\xd7", b"\1"), _ebml(b"\x83", b"\1"), _ebml(b"\x86", b"V_MPEG4/ISO/AVC"))
    entry = _ebml(b"\xae", *facts, _ebml(b"\xe0", *sizes))
    cluster = _ebml(b"\x1f\x43\xb6\x75", _ebml(b"\xe7", b"\0"), _ebml(b"\xa3", b"\x81\0\0\x80" + bytes(64)))
    return _ebml(b"\x16\x54\xae\x6b", entry) + cluster


def _png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _png(width: int, height: int, *chunks: bytes, bits: int = 8, colour: int = 0) -> bytes:
    head = _png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + _png_chunk(b"IEND", b"")


def zeros_deflated(size: int) -> bytes:
    """Return ``size`` zeros, deflated a thousand times smaller."""
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)  # stands for itself
    rest = zlib.compressobj(9, wbits=-15)
    end = rest.compress(bytes(size & (1 << 20) - 1)) + rest.flush()
    checksum = size % 65_521 << 16 | 1  # Adler-32 of zeros
    return b"\x78\xda" + block * (size >> 20) + end + checksum.to_bytes(4, "big")


def _png_bomb(side: int, rows: int | None = None) -> bytes:
    """Return a PNG of ``side`` squared pixels of one bit, of which so many rows are there."""
    data = zeros_deflated((side // 8 + 1) * (side if rows is None else rows))
    return _png(side, side, _png_chunk(b"IDAT", data), bits=1)


def _apng_bomb(frames: int) -> bytes:
    data = zlib.compress(bytes(64 * 65))
    chunks = [_png_chunk(b"acTL", struct.pack(">II", frames, 0))]
    control = struct.pack(">IIIIHHBB", 64, 64, 0, 0, 1, 10, 0, 0)
    for number in range(frames):
        chunks.append(_png_chunk(b"fcTL", struct.pack(">I", 2 * number) + control))
        body = data if number == 0 else struct.pack(">I", 2 * number + 1) + data
        chunks.append(_png_chunk(b"IDAT" if number == 0 else b"fdAT", body))
    return _png(64, 64, *chunks)


def _gif_bomb(frames: int, side: int = 4_000) -> bytes:
    """Return a GIF of large frames that each hold a clear code and an end."""
    head = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(6)
    image = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x4c\x01\x00"
    return head + b"\x21\xf9\x04\x00\x0a\x00\x00\x00" + image * frames + b";"


def _text_png(size: int) -> bytes:
    """Return a PNG whose comment inflates to ``size``."""
    note = _png_chunk(b"zTXt", b"Comment\0\0" + zeros_deflated(size))
    return _png(1, 1, note, _png_chunk(b"IDAT", zlib.compress(b"\0\0")))


def _tiff(width: int, height: int, *, loop: bool = False) -> bytes:
    size = width * height & 0xFFFFFFFF
    values = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: size}
    entries = [(tag, 4, 1, value) for tag, value in values.items()]
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8) + body + struct.pack("<I", 8 if loop else 0)


def _jpeg(width: int, height: int) -> bytes:
    head = b"\xff\xd8\xff\xdb\x00\x43\x00" + b"\x01" * 64
    head += b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"
    tables = (
        b"\xff\xc4\x00\x14\x00\x01" + bytes(15) + b"\x00" + b"\xff\xc4\x00\x14\x10\x01" + bytes(15) + b"\x00"
    )
    return head + tables + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + bytes(64) + b"\xff\xd9"


def _webp(width: int, height: int) -> bytes:
    packed = (width - 1) | (height - 1) << 14
    body = b"VP8L" + struct.pack("<I", 20) + b"\x2f" + struct.pack("<I", packed) + bytes(15)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _zip(*, inside: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        entry = zipfile.ZipInfo("song.wav", date_time=(1980, 1, 1, 0, 0, 0))
        pack.writestr(entry, inside or bytes(1 << 20))
    return out.getvalue()


def _alias(path: bytes) -> bytes:
    """Return a Mac alias that leads to ``path`` from the root of a volume called v."""
    place = b"v" + path + bytes(1 + len(path) % 2)
    head = bytes(10) + b"\1v".ljust(28, b"\0") + bytes(12) + b"\1x".ljust(64, b"\0") + bytes(36)
    return head + struct.pack(">HH", 2, len(place)) + place + b"\xff\xff\0\0"


def mov_with_reference(address: bytes) -> bytes:
    """Return a QuickTime movie whose sound, a second of stereo, is said to be in another file."""
    frames = 44_100
    links = (_box(b"alis", bytes(4), _alias(address)), _box(b"url ", bytes(4), address + b"\0"))
    entry = struct.pack(">6xH8xHHHHI", 1, 2, 16, 0, 0, RATE << 16)
    table = _box(b"stsd", bytes(4), struct.pack(">I", 1), _box(b"sowt", entry))
    times = _box(b"stts", bytes(4), struct.pack(">III", 1, frames, 1))
    chunks = _box(b"stsc", bytes(4), struct.pack(">IIII", 1, 1, frames, 1))
    sizes = _box(b"stsz", bytes(4), struct.pack(">II", 4, frames))
    offsets = _box(b"stco", bytes(4), struct.pack(">II", 1, 44))
    samples = _box(b"stbl", table, times, chunks, sizes, offsets)
    media_head = _box(b"mdhd", bytes(12), struct.pack(">IIHH", RATE, frames, 0, 0))
    handler = _box(b"hdlr", bytes(8), b"soun", bytes(13))
    where = _box(b"dinf", _box(b"dref", bytes(4), struct.pack(">I", len(links)), *links))
    track_head = _box(b"tkhd", b"\0\0\0\7", bytes(8), struct.pack(">I", 1), bytes(68))
    media = _box(b"mdia", media_head, handler, _box(b"minf", _box(b"smhd", bytes(8)), where, samples))
    movie_head = _box(b"mvhd", bytes(12), struct.pack(">II", 1000, 1000), bytes(80))
    movie = _box(b"moov", movie_head, _box(b"trak", track_head, media))
    return _box(b"ftyp", b"qt  \0\0\0\0qt  ") + movie + _box(b"mdat", bytes(64))


def references(address: str) -> dict[str, bytes]:
    """Return files that ask a player to open ``address``, a path or a URL."""
    to = address.encode()
    return {
        "hls.m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n" + to + b"\n#EXT-X-ENDLIST\n",
        "list.m3u": b"#EXTM3U\n" + to + b"\n",
        "list.pls": b"[playlist]\nFile1=" + to + b"\nNumberOfEntries=1\n",
        "concat.ffconcat": b"ffconcat version 1.0\nfile '" + to + b"'\n",
        "session.sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n"
        b"a=control:" + to + b"\n",
        "stream.mpd": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>'
        b"<AdaptationSet><Representation><BaseURL>" + to + b"</BaseURL></Representation></AdaptationSet>"
        b"</Period></MPD>",
        "list.asx": b'<asx version="3.0"><entry><ref href="' + to + b'"/></entry></asx>',
        "ram.ram": to + b"\n",
        "entity.svg": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "' + to + b'">]>'
        b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
        b'<image xlink:href="' + to + b'"/><text>&x;</text></svg>',
        "script.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(" + to + b") run\nshowpage\n",
        "scene.mvg": b"push graphic-context\nimage over 0,0 0,0 '" + to + b"'\npop graphic-context\n",
        "outside.mov": mov_with_reference(to),
        "named.mka": _matroska(_attachment(to, b"")),
    }  # fmt: skip


_DISGUISES: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "one byte": lambda: b"\0",
    "one letter": lambda: b"R",
    "zip": _zip,
    "zip of zip": lambda: _zip(inside=_zip()),
    "gzip bomb": lambda: gzip.compress(bytes(1 << 24), mtime=0),
    "html": lambda: b"<!DOCTYPE html><html><body>404 Not Found</body></html>" * 20,
    "text": lambda: b"These are words and no media.\n" * 200,
    "json": lambda: b"[" * 200_000,
    "elf": lambda: b"\x7fELF\2\1\1" + bytes(500),
    "pdf": lambda: b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
    "magic alone riff": lambda: b"RIFF",
    "magic alone flac": lambda: b"fLaC",
    "magic alone ogg": lambda: b"OggS",
    "magic alone mp4": lambda: b"\0\0\0\x18ftyp",
    "magic alone matroska": lambda: b"\x1a\x45\xdf\xa3",
    "magic alone png": lambda: b"\x89PNG\r\n\x1a\n",
    "zeros": lambda: bytes(100_000),
    "ones": lambda: b"\xff" * 100_000,
    "id3 of 256 MB": lambda: b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(100),
    "mp3 sync words only": lambda: b"\xff\xfb\x90\x64" * 5_000,
    "midi": lambda: b"MThd\0\0\0\6\0\1\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0",
}

_LIES: dict[str, Callable[[], bytes]] = {
    "wav of 2^31 frames": lambda: _wav(RATE, 2, 16, 2**32 - 1, bytes(4000)),
    "wav of 10^6 frames": lambda: _wav(RATE, 2, 16, 4 * 10**6, bytes(4000)),
    "wav at 0 Hz": lambda: _wav(0, 2, 16, 4000, bytes(4000)),
    "wav at 1 Hz": lambda: _wav(1, 1, 16, 4000, bytes(4000)),
    "wav at 4 GHz": lambda: _wav(2**32 - 1, 2, 16, 4000, bytes(4000)),
    "wav at 768 kHz": lambda: _wav(768_000, 1, 16, 4000, bytes(4000)),
    "wav at 1000 Hz": lambda: _wav(1000, 1, 16, 40_000, bytes(40_000)),
    "wav of no channel": lambda: _wav(RATE, 0, 16, 4000, bytes(4000)),
    "wav of 1024 channels": lambda: _wav(RATE, 1024, 16, 204_800, bytes(204_800)),
    "wav of 65535 channels": lambda: _wav(RATE, 65_535, 16, 4000, bytes(4000)),
    "wav of 1 bit": lambda: _wav(RATE, 2, 1, 4000, bytes(4000)),
    "wav of 64 bits": lambda: _wav(RATE, 2, 64, 4000, b"\xff" * 4000, tag=3),
    "wav of an unknown codec": lambda: _wav(RATE, 2, 16, 4000, bytes(4000), tag=0x1234),
    "flac of 2^36 frames": lambda: _flac(2**36 - 1),
    "flac of 10^6 frames": lambda: _flac(10**6),
    "flac at 1 Hz": lambda: _flac(10**6, rate=1),
    "flac of 32 bits and 8 channels": lambda: _flac(10**6, channels=8, bits=32),
    "vorbis of 255 channels": lambda: _vorbis(RATE, 255),
    "vorbis at 0 Hz": lambda: _vorbis(0, 2),
    "opus of 255 channels": lambda: _ogg_page(
        b"OpusHead\x01\xff" + struct.pack("<HIhB", 0, 48_000, 0, 255) + b"\xff" * 257
    ),
    "ogg in ogg": lambda: _ogg_page(_vorbis(RATE, 2)[:250]) + _vorbis(RATE, 2),
    "mp4 of 5000 boxes one in another": lambda: _nested_boxes(5_000),
    "mp4 box beyond the end": lambda: _box(b"ftyp", b"isom\0\0\2\0") + _box(b"moov", size=2**32 - 1),
    "mp4 box of no size": lambda: _box(b"ftyp", b"isom\0\0\2\0") + _box(b"moov", size=0) + bytes(100),
    "mp4 in mkv attachment": lambda: _matroska(_attachment(b"inner.mp4", _nested_boxes(20))),
    "mkv in mkv in mkv": lambda: _matroska(
        _attachment(b"a.mkv", _matroska(_attachment(b"b.mkv", _matroska())))
    ),
    "mkv segment beyond the end": lambda: _matroska()[:-9] + _ebml(b"\x18\x53\x80\x67", size=2**56 - 2),
    "mkv video of 16k by 16k": lambda: _matroska(_track(16_384, 16_384)),
    "mkv video of 2^31 by 2^31": lambda: _matroska(_track(2**31 - 1, 2**31 - 1)),
    "aiff of 2^31 frames": lambda: b"FORM\x7f\xff\xff\xffAIFFCOMM" + struct.pack(">IhIh", 18, 2, 2**31, 16)
    + b"\x40\x0e\xac\x44\0\0\0\0\0\0SSND\x7f\xff\xff\xff" + bytes(1000),
    "au of 2^32 bytes": lambda: b".snd" + struct.pack(">IIIII", 24, 2**32 - 1, 3, RATE, 2) + bytes(1000),
}  # fmt: skip

_BOMBS: dict[str, Callable[[], bytes]] = {
    "opus of 20 minutes in packets of a byte": lambda: _opus_bomb(20),
    "mp3 with a cover of 50k by 50k": lambda: _id3_picture(_png_bomb(50_000)) + b"\xff\xfb\x90\x64" * 5_000,
    "mov of png frames of 16k by 16k": lambda: video_of_packets([_png_bomb(16_384)] * 3),
    "mov of png frames of 8k by 8k": lambda: video_of_packets([_png_bomb(8_192)] * 50),
    "mov of png frames that grow": lambda: video_of_packets(
        [_png_bomb(side) for side in (64, 1_024, 4_096, 16_384, 30_000, 64)]
    ),
    "mov of 20000 frames": lambda: video_of_packets([_png_bomb(64)] * 20_000),
    "png of 50k by 50k zeros": lambda: _png_bomb(50_000),
    "png of 2^31 by 2^31": lambda: _png(2**31 - 1, 2**31 - 1, _png_chunk(b"IDAT", zlib.compress(bytes(100)))),
    "png of 12k by 12k": lambda: _png_bomb(12_000),
    "png of 16k by 16k, cut": lambda: _png_bomb(16_384, rows=100),
    "png with a comment of 256 MB": lambda: _text_png(1 << 28),
    "apng of 20000 frames": lambda: _apng_bomb(20_000),
    "apng of 2^31 frames claimed": lambda: _png(
        8,
        8,
        _png_chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)),
        _png_chunk(b"IDAT", zlib.compress(bytes(72))),
    ),
    "gif of 20000 large frames": lambda: _gif_bomb(20_000),
    "gif of 65535 by 65535": lambda: _gif_bomb(2, side=65_535),
    "tiff of 2^31 by 2^31": lambda: _tiff(2**31 - 1, 2**31 - 1),
    "tiff of 60k by 60k": lambda: _tiff(60_000, 60_000),
    "tiff whose pages go in a circle": lambda: _tiff(8, 8, loop=True),
    "jpeg of 65500 by 65500": lambda: _jpeg(65_500, 65_500),
    "jpeg of no width": lambda: _jpeg(0, 100),
    "webp of 16383 by 16383": lambda: _webp(16_383, 16_383),
    "bmp of 2^31 by 2^31": lambda: b"BM"
    + struct.pack(
        "<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, 2**31 - 1, -(2**31) + 1, 1, 24, 0, 0, 0, 0, 0, 0
    ),
    "ppm of 10^9 by 10^9": lambda: b"P6 1000000000 1000000000 255\n" + bytes(100),
    "xbm": lambda: b"#define x_width 100000\n#define x_height 100000\nstatic char x_bits[] = {0x00};",
}  # fmt: skip

CRAFTED = {**_DISGUISES, **_LIES, **_BOMBS}
