"""Hashes by which alike images are found."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import IMAGE, step
from beam_jobs.media.call import StepCall
from beam_jobs.media.image_params import ImageParams


class PerceptualHashParams(ImageParams):
    """How fine.

    :param hash_size: side of the grid; a hash has its square in bits.
    """

    hash_size: int = Field(default=8, ge=4, le=32, multiple_of=2)


class PerceptualHashResult(StepResult):
    """Two hashes; compare each with its own kind by :func:`beam_jobs.media.image_hash.hamming`."""

    phash_hex: str = quantity("text", "From the signs of low frequencies; survives encoding and small edits.")
    dhash_hex: str = quantity("text", "From which of two neighbours is brighter; cheaper to fool.")
    bits: int = quantity("1", "Length of each hash.")


def _warm_up() -> None:
    import imagehash
    from PIL import Image

    from beam_jobs.media import image_hash  # noqa: F401
    from beam_jobs.media.image_file import known_formats

    known_formats()
    imagehash.phash(Image.new("L", (64, 64)))  # loads SciPy


@step(
    "perceptual_hash", version="2", makes=".json", takes=(IMAGE,), params=PerceptualHashParams,
    warm_up=_warm_up, result=PerceptualHashResult,
)  # fmt: skip
def perceptual_hash(call: StepCall, params: PerceptualHashParams) -> dict[str, Any]:
    """Hash an image as it is shown: upright, over white, in grey, by the library imagehash.

    With 64 bits, images whose phashes differ in up to about 10 are likely the same picture.

    Source: ``phash`` after C. Zauner, "Implementation and benchmarking of perceptual image hash functions",
    2010; ``dhash`` after N. Krawetz, "Kind of like that", 2013; both by imagehash.

    :return: ``phash_hex``, ``dhash_hex``, ``bits``.
    """
    from beam_jobs.media.image_file import open_image
    from beam_jobs.media.image_hash import hashes

    with call.stage("decode"), open_image(call.path("image"), max_pixels=params.max_pixels) as image:
        found = hashes(image, hash_size=params.hash_size)
    return {**found, "bits": params.hash_size**2}
