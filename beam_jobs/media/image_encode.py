"""Images out: the same bytes for the same pixels, and nothing in them but these."""

from __future__ import annotations

import io
from typing import Any, Final

from PIL import Image

from beam_jobs.media.image_colour import flattened
from beam_jobs.media.image_params import PictureParams

_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "jpeg": {"optimize": True}, "webp": {"method": 4}, "png": {"compress_level": 6},
}  # fmt: skip


def encoded(image: Image.Image, params: PictureParams) -> bytes:
    """Return the file."""
    options = dict(_OPTIONS[params.format])
    if params.format == "jpeg":
        image = flattened(image, params.background)
    if params.format != "png":
        options["quality"] = params.quality
    file = io.BytesIO()
    image.save(file, params.format.upper(), **options)
    return file.getvalue()
