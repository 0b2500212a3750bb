"""A small picture of an image."""

from __future__ import annotations

from pydantic import Field

from beam_jobs.contract.step import IMAGE, step
from beam_jobs.media.call import StepCall
from beam_jobs.media.image_params import PictureParams, picture_suffix


class ThumbnailParams(PictureParams):
    """How small.

    :param width_px: it is at most so wide.
    :param height_px: it is at most so high.
    """

    width_px: int = Field(default=320, ge=1, le=4096)
    height_px: int = Field(default=320, ge=1, le=4096)


def _warm_up() -> None:
    from beam_jobs.media import image_encode, image_resize  # noqa: F401
    from beam_jobs.media.image_file import known_formats

    known_formats()


@step(
    "thumbnail", version="2", makes=picture_suffix, takes=(IMAGE,), params=ThumbnailParams, warm_up=_warm_up
)
def thumbnail(call: StepCall, params: ThumbnailParams) -> bytes:
    """Shrink an image into a box, upright, in sRGB, without metadata; a smaller one keeps its size.

    Of a JPEG only as many pixels are decoded as the box can use. Of an animation it is the first frame.

    Source: Pillow's ``Image.draft``, then ``Image.resize`` with ``Resampling.LANCZOS`` and a ``reducing_gap``
    of 3.
    """
    from beam_jobs.media.image_encode import encoded
    from beam_jobs.media.image_file import open_image
    from beam_jobs.media.image_resize import resized

    box = (params.width_px, params.height_px)
    with call.stage("decode"), open_image(call.path("image"), max_pixels=params.max_pixels) as image:
        small = resized(image, box, how="fit", enlarge=False, quick=True)
    with call.stage("encode"):
        return encoded(small, params)
