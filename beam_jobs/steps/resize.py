"""An image of another size."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from beam_jobs.contract.step import IMAGE, step
from beam_jobs.media.call import StepCall
from beam_jobs.media.image_params import PictureParams, picture_suffix


class ResizeParams(PictureParams):
    """Which size.

    :param width_px: of the box.
    :param height_px: of the box.
    :param how: ``fit`` = as large as fits into the box; ``fill`` = the box's size, what sticks out is cut
        off; ``exact`` = the box's size, stretched if need be.
    :param enlarge: with ``fit``, let an image grow that is smaller than the box.
    """

    width_px: int = Field(default=1920, ge=1, le=8192)
    height_px: int = Field(default=1920, ge=1, le=8192)
    how: Literal["fit", "fill", "exact"] = "fit"
    enlarge: bool = False


def _warm_up() -> None:
    from beam_jobs.media import image_encode, image_resize  # noqa: F401
    from beam_jobs.media.image_file import known_formats

    known_formats()


@step("resize", version="2", makes=picture_suffix, takes=(IMAGE,), params=ResizeParams, warm_up=_warm_up)
def resize(call: StepCall, params: ResizeParams) -> bytes:
    """Resize an image with a Lanczos filter, upright, in sRGB, without metadata.

    All pixels are decoded and used; ``thumbnail`` is quicker and nearly as exact.

    Source: Pillow's ``Image.resize`` with ``Resampling.LANCZOS``; profiles are converted by its ``ImageCms``.
    """
    from beam_jobs.media.image_encode import encoded
    from beam_jobs.media.image_file import open_image
    from beam_jobs.media.image_resize import resized

    box = (params.width_px, params.height_px)
    with call.stage("decode"), open_image(call.path("image"), max_pixels=params.max_pixels) as image:
        sized = resized(image, box, how=params.how, enlarge=params.enlarge)
    with call.stage("encode"):
        return encoded(sized, params)
