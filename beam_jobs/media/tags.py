"""Tags and pictures of a container."""

from __future__ import annotations

import re
from typing import Final

from av.container import InputContainer
from av.stream import Disposition

_MOST_TAGS: Final = 64
_MOST_NAME: Final = 64
_MOST_TEXT: Final = 500
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd]+")


def read_tags(file: InputContainer) -> dict[str, str]:
    """Return the tags of the file and of its first audio stream, by name in lower case, in order of name."""
    found: dict[str, str] = {}
    streams = [stream.metadata for stream in file.streams.audio[:1]]
    for metadata in (*streams, file.metadata):
        for name, value in metadata.items():
            key, text = _clean(str(name), _MOST_NAME).lower(), _clean(str(value), _MOST_TEXT)
            if key and text:
                found[key] = text
    return dict(sorted(found.items())[:_MOST_TAGS])


def has_cover(file: InputContainer) -> bool:
    """Tell whether a picture is attached."""
    return any(stream.disposition & Disposition.attached_pic for stream in file.streams.video)


def has_video(file: InputContainer) -> bool:
    """Tell whether there are moving pictures."""
    return any(not stream.disposition & Disposition.attached_pic for stream in file.streams.video)


def _clean(text: str, most: int) -> str:
    return " ".join(_CONTROL.sub(" ", text[: 2 * most]).split())[:most]
