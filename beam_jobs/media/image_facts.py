"""What an image says of itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PIL import ExifTags, Image

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.image_file import refusing

TURNED: Final = 5
"""From this EXIF orientation on, width and height change places."""

_MOST_TEXT: Final = 64
_PNG_BITS_AT: Final = 24
_BITS: Final = {"1": 1, "I": 32, "F": 32}


def format_name(image: Image.Image) -> str:
    """Return what to call the file's format: phones' JPEG with a second picture behind the first is JPEG."""
    return {"MPO": "jpeg"}.get(image.format or "", (image.format or "").lower())


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) to 8."""
    told = _tag(image, ExifTags.Base.Orientation)
    return told if isinstance(told, int) and 1 <= told <= 8 else 1  # noqa: PLR2004


def exif(image: Image.Image) -> Image.Exif:
    """Return the EXIF data, for which the reader of PNG would decode the image."""
    return Image.Image.getexif(image)


def shown_size(image: Image.Image) -> tuple[int, int]:
    """Return width and height of the upright image, told from the header."""
    width, height = image.size
    if image.format == "TIFF":  # Pillow turns these while it decodes, and has swapped the sides by now.
        tags: Any = image.tag_v2  # type: ignore[attr-defined]
        width, height = int(tags[256]), int(tags[257])
    return (height, width) if orientation(image) >= TURNED else (width, height)


def taken_at(image: Image.Image) -> str | None:
    """Return when the picture was taken, in the camera's words."""
    original = _forgiven(lambda: exif(image).get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal))
    return _text(original or _tag(image, ExifTags.Base.DateTime))


_CAMERA: Final = (ExifTags.Base.Make, ExifTags.Base.Model)


def camera(image: Image.Image) -> str | None:
    """Return maker and model of the camera."""
    found = [_text(_tag(image, tag)) for tag in _CAMERA]
    return _text(" ".join(filter(None, found)))


def bits_per_channel(image: Image.Image, path: Path) -> int:
    """Return the bits of a sample, as stored where the format's header tells, else as decoded."""
    if image.format == "PNG":
        with path.open("rb") as file:
            file.seek(_PNG_BITS_AT)
            return file.read(1)[0]
    if image.format == "TIFF":
        tags: Any = image.tag_v2  # type: ignore[attr-defined]
        return int(tags.get(258, (1,))[0])
    if image.format == "PPM" and image.mode == "I":
        return 16
    return 16 if image.mode.startswith("I;16") else _BITS.get(image.mode, 8)


def _tag(image: Image.Image, tag: int) -> Any:
    return _forgiven(lambda: exif(image).get(tag))


def _forgiven(read: Callable[[], Any]) -> Any:
    """Return what is read from EXIF data, None when they are damaged: nobody refuses a picture for that."""
    try:
        with refusing():
            return read()
    except UndecodableMedia:
        return None


def _text(value: object) -> str | None:
    """Return a text that a stranger wrote, short and without control characters."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    return re.sub(r"[^\w !-~]+", " ", value[: 2 * _MOST_TEXT]).strip()[:_MOST_TEXT] or None
