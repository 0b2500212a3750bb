"""From the many ways in which images hold colours to grey or red, green and blue in sRGB."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from PIL import Image, ImageCms

from beam_jobs.contract.errors import UndecodableMedia

_ALREADY: Final = {"L", "LA", "RGB", "RGBA", "CMYK"}
_NEAREST: Final = {
    "1": "L", "La": "LA", "P": "RGB", "PA": "RGBA", "RGBX": "RGB", "RGBa": "RGBA",
    "YCbCr": "RGB", "HSV": "RGB",
}  # fmt: skip


def plain(image: Image.Image) -> Image.Image:
    """Return the image as 8-bit L, LA, RGB, RGBA or CMYK, in which it can be resized.

    Sixteen bits keep their upper eight. Of 32-bit integers and floats nobody knows the range: the lowest
    value becomes black and the highest white.
    """
    if image.mode.startswith("I;16"):
        return _upper_eight(np.asarray(image).astype(np.uint16), image.info.get("transparency"))
    if (image.format, image.mode) == ("PPM", "I"):  # whose readers have 65535 as white, whatever the file has
        return _upper_eight(np.asarray(image).astype(np.uint16), None)
    if image.mode in ("I", "F"):
        return Image.fromarray(_stretched(np.asarray(image, dtype=np.float64)))
    if image.mode != "CMYK" and image.has_transparency_data:
        return image if image.mode in _ALREADY and "transparency" not in image.info else image.convert("RGBA")
    if image.mode in _ALREADY:
        return image
    if image.mode not in _NEAREST:
        raise UndecodableMedia(f"images of mode {image.mode} cannot be shown; convert it to RGB")
    return image.convert(_NEAREST[image.mode])


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return a plain image with the colours that its ICC profile means, for those who see no profile."""
    if profile and image.mode in ("RGB", "RGBA", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            mode = "RGB" if image.mode == "CMYK" else image.mode
            image = (
                ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
                or image
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # A damaged profile, or one for other colours: browsers ignore it too.
    return image.convert("RGB") if image.mode == "CMYK" else image


def flattened(image: Image.Image, background: str) -> Image.Image:
    """Return the image without transparency, over ``background``."""
    if image.mode not in ("LA", "RGBA"):
        return image
    under = Image.new("RGBA", image.size, background)
    return Image.alpha_composite(under, image.convert("RGBA")).convert("RGB")


def _upper_eight(values: np.ndarray, transparent: object) -> Image.Image:
    grey = Image.fromarray((values >> 8).astype(np.uint8))
    if not isinstance(transparent, int):
        return grey
    return Image.merge(
        "LA", (grey, Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    )


def _stretched(values: np.ndarray) -> np.ndarray:
    finite = np.isfinite(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
    scaled = (np.where(finite, values, low) - low) * (255 / (high - low) if high > low else 0.0)
    return np.asarray(np.round(scaled), np.uint8)
