"""FFmpeg's containers, opened so that a file can name no other file and no address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer
from av.stream import Stream

from beam_jobs.contract.errors import UndecodableMedia

DEMUXERS: Final = {
    "adts": "aac", "aiff": "aiff", "asf": "asf", "au": "au", "avi": "avi", "caf": "caf", "flac": "flac",
    "flv": "flv", "matroska": "matroska", "mp3": "mp3", "mp3-unindexed": "mp3", "mp4": "mov",
    "mpegps": "mpeg", "mpegts": "mpegts", "ogg": "ogg", "ogg-flac": "ogg", "ogg-opus": "ogg",
    "ogg-vorbis": "ogg", "w64": "w64", "wav": "wav",
}  # fmt: skip
"""FFmpeg's name of what a file is, by what :func:`beam_jobs.media.sniff.sniff` calls it."""

MAX_PIXELS: Final = 16_384 * 8_704
"""Of a frame: 16K video and no more, for a header can claim any size, and a frame takes memory at once."""


def open_container(path: Path, demuxer: str, *, kind: str) -> InputContainer:
    """Open a local file for reading; close it, or use it in a ``with``.

    :param demuxer: FFmpeg's name of the format, which the caller told from the bytes. Left to guess, FFmpeg
        would take a playlist for one and follow its addresses.
    :param kind: what to call the format in messages.
    :raises UndecodableMedia: when it is none.
    """
    # Once for the demuxer, which looks into the first frames, and once for each decoder.
    options = {"protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)}
    try:
        file = av.open(str(path.absolute()), format=demuxer, options=options, metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise refusal(error, f"not decodable as {kind}: ") from error
    for stream in file.streams.video:
        if stream.codec_context is not None:  # there is a decoder
            stream.codec_context.options = {"max_pixels": options["max_pixels"]}
    return file


def packets_of(file: InputContainer, *streams: Stream) -> Iterator[Any]:
    """Yield the packets of ``streams``, of all when none is named, and at the end an empty one of each."""
    packets = file.demux(*streams)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, IndexError):
            return  # PyAV 18 stumbles at the end over streams that appeared on the way
        yield packet


def refusal(error: av.error.FFmpegError, before: str = "") -> Exception:
    """Return what an error of FFmpeg's says of the file; a lack of memory says nothing of it."""
    if isinstance(error, MemoryError):
        return MemoryError(f"{before}{error.strerror}")
    return UndecodableMedia(f"{before}{error.strerror}")
