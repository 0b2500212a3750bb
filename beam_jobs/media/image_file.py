"""Images in, by Pillow: what a header claims is checked before anything is decoded."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from beam_jobs.contract.errors import MediaJobError, UndecodableMedia
from beam_jobs.media.png_chunks import late_exif

FORMATS: Final = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""What is tried. Pillow knows more; some of it starts programs (EPS) or is drawn by the system (WMF)."""

_HEAD_BYTES: Final = 16


@contextmanager
def open_image(path: Path, *, max_pixels: int) -> Iterator[Image.Image]:
    """Open an image without decoding it.

    :raises UndecodableMedia: when it is none, or claims more than ``max_pixels``.
    """
    with _limited(max_pixels):
        with refusing():
            try:
                image = Image.open(path, formats=known_formats())
            except UnidentifiedImageError as error:
                raise UndecodableMedia(_unknown(path)) from error
        with image:
            width, height = image.size
            if width * height > max_pixels:
                raise UndecodableMedia(
                    f"its header claims {width} x {height} pixels, more than max_pixels ({max_pixels}) allows"
                )
            if image.format == "PNG" and "exif" not in image.info and (late := late_exif(path)):
                image.info["exif"] = b"Exif\0\0" + late
            yield image


def load_pixels(image: Image.Image) -> None:
    """Decode the first frame.

    :raises UndecodableMedia: when it is damaged or cut short.
    """
    with refusing():
        image.load()


def load_frames(image: Image.Image, *, max_pixels: int) -> int:
    """Decode one frame or page after the other, as long as all have no more than ``max_pixels`` together.

    :return: how many were decoded, at least one.
    :raises UndecodableMedia: when one is damaged, or the file ends before the last that it claims.
    """
    load_pixels(image)
    claimed, done, pixels = int(getattr(image, "n_frames", 1)), 1, image.width * image.height
    with refusing():
        while done < claimed and pixels + image.width * image.height <= max_pixels:
            try:
                image.seek(done)
            except EOFError as error:
                raise UndecodableMedia(
                    f"the image is truncated: {done} of {claimed} frames are there"
                ) from error
            image.load()
            pixels += image.width * image.height
            done += 1
    return done


def known_formats() -> list[str]:
    """Return the formats that this installation of Pillow can read."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


@contextmanager
def _limited(max_pixels: int) -> Iterator[None]:
    """Let Pillow's own check, which sees frames inside a file too, have the same limit."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, max_pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what Pillow raises over a bad file, while it reads, into UndecodableMedia.

    Its readers are Python code that meets arbitrary bytes: besides OSError they raise SyntaxError,
    struct.error, KeyError and whatever else comes of a wrong number. Errors of the disk have an errno.
    """
    try:
        yield
    except (MediaJobError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        size = str(error).partition(" exceeds")[0]
        raise UndecodableMedia(f"more than max_pixels ({Image.MAX_IMAGE_PIXELS}) allows: {size}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise UndecodableMedia(f"the image is damaged or truncated: {error}") from error
    except Exception as error:
        raise UndecodableMedia(f"the image is damaged: {type(error).__name__}: {error}") from error


def _unknown(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    known = ", ".join(name.lower() for name in known_formats())
    return f"no known image format ({known}); the file starts with {head!r}"
