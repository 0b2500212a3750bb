"""FFmpeg's containers, opened so that a file can name no other file and no address."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import av
from av.container import InputContainer

from beam_jobs.contract.errors import UndecodableMedia

MAX_PIXELS: Final = 16_384 * 8_704
"""Of a frame: 16K video and no more, for a header can claim any size, and a frame takes memory at once."""


def open_container(path: Path, demuxer: str, *, kind: str) -> InputContainer:
    """Open a local file for reading; close it, or use it in a ``with``.

    :param demuxer: FFmpeg's name of the format, which the caller told from the bytes. Left to guess, FFmpeg
        would take a playlist for one and follow its addresses.
    :param kind: what to call the format in messages.
    :raises UndecodableMedia: when it is none.
    """
    options = {"protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)}
    try:
        return av.open(str(path.absolute()), format=demuxer, options=options, metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise refusal(error, f"not decodable as {kind}: ") from error


def refusal(error: av.error.FFmpegError, before: str = "") -> Exception:
    """Return what an error of FFmpeg's says of the file; a lack of memory says nothing of it."""
    if isinstance(error, MemoryError):
        return MemoryError(f"{before}{error.strerror}")
    return UndecodableMedia(f"{before}{error.strerror}")
