"""What an image is."""

from __future__ import annotations

from typing import Any

from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import IMAGE, step
from beam_jobs.media.call import StepCall
from beam_jobs.media.image_params import ImageParams


class ImageProbeParams(ImageParams):
    """How deep to look.

    :param decode: decode the image too, which finds files that are damaged or cut short; of animations and
        pages as many as have ``max_pixels`` together.
    """

    decode: bool = True


class ImageProbeResult(StepResult):
    """Facts of an image file."""

    format: str = quantity("text", "Of the file: jpeg, png, webp, ...")
    width_px: int = quantity("px", "Width of the image as it is shown, upright.")
    height_px: int = quantity("px", "Height of the image as it is shown, upright.")
    mode: str = quantity("text", "Channels as decoded, in Pillow's words: L, RGB, RGBA, CMYK, P, I;16, ...")
    bits_per_channel: int = quantity("1", "Bits of a sample, or of an index into a palette.")
    has_alpha: bool = quantity("1", "Whether parts may be transparent.")
    frames: int = quantity("1", "Frames or pages, as the header claims.")
    frames_decoded: int = quantity("1", "Frames that were decoded without an error.")
    animated: bool = quantity("1", "Whether there is more than one frame or page.")
    orientation: int = quantity("1", "EXIF orientation: 1 = stored upright, 2 to 8 = turned or mirrored.")
    taken_at: str | None = quantity(
        "text", "When it was taken, in the camera's words, at most 64 characters."
    )
    camera: str | None = quantity("text", "Maker and model, at most 64 characters.")
    icc_profile_bytes: int = quantity("bytes", "Size of the colour profile; 0 when it has none.")
    file_bytes: int = quantity("bytes", "Size of the file.")


def _warm_up() -> None:
    from beam_jobs.media import image_facts  # noqa: F401
    from beam_jobs.media.image_file import known_formats

    known_formats()


@step(
    "image_probe", version="2", makes=".json", takes=(IMAGE,), params=ImageProbeParams, warm_up=_warm_up,
    result=ImageProbeResult,
)  # fmt: skip
def image_probe(call: StepCall, params: ImageProbeParams) -> dict[str, Any]:
    """Read an image's header and, unless told not to, try to decode it.

    Source: Pillow reads and decodes; orientation, date and camera are the tags of EXIF (CIPA DC-008).

    :return: as :class:`ImageProbeResult`.
    """
    from beam_jobs.media import image_facts
    from beam_jobs.media.image_file import load_frames, open_image, refusing

    path = call.path("image")
    with call.stage("decode"), open_image(path, max_pixels=params.max_pixels) as image, refusing():
        width, height = image_facts.shown_size(image)
        frames = int(getattr(image, "n_frames", 1))
        turned = image_facts.orientation(image)
        facts = {
            "format": image_facts.format_name(image),
            "width_px": width,
            "height_px": height,
            "mode": image.mode,
            "bits_per_channel": image_facts.bits_per_channel(image, path),
            "has_alpha": bool(image.has_transparency_data),
            "frames": frames,
            "frames_decoded": 0,
            "animated": frames > 1,
            "orientation": turned,
            "taken_at": image_facts.taken_at(image),
            "camera": image_facts.camera(image),
            "icc_profile_bytes": len(image.info.get("icc_profile") or b""),
            "file_bytes": path.stat().st_size,
        }
        if params.decode:
            if frames == 1:  # the reader of JPEG with more pictures behind would read them as drafts too
                image.draft(None, (1, 1))  # JPEG reads all of the file for any size
            facts["frames_decoded"] = load_frames(image, max_pixels=params.max_pixels)
    return facts
