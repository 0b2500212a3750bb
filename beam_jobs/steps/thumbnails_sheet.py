"""A video at a glance."""

from __future__ import annotations

from pydantic import Field

from beam_jobs.contract.step import VIDEO, step
from beam_jobs.media.call import StepCall
from beam_jobs.media.video_params import VideoParams


class ThumbnailsSheetParams(VideoParams):
    """What the sheet looks like.

    :param columns: pictures side by side.
    :param rows: of pictures.
    :param width_px: of one picture; its height follows from the video's.
    :param gap_px: black between two pictures.
    :param exact: show the very frames at the times; else the key frames before them, which is quicker
        where they are far apart and may show one twice.
    :param quality: of the JPEG.
    """

    columns: int = Field(default=4, ge=1, le=20)
    rows: int = Field(default=4, ge=1, le=20)
    width_px: int = Field(default=240, ge=16, le=1024)
    gap_px: int = Field(default=4, ge=0, le=64)
    exact: bool = True
    quality: int = Field(default=82, ge=1, le=100)


def _warm_up() -> None:
    from PIL import Image

    from beam_jobs.media import video_sheet  # noqa: F401

    Image.init()


@step(
    "thumbnails_sheet", version="2", makes=".jpg", takes=(VIDEO,), params=ThumbnailsSheetParams,
    warm_up=_warm_up,
)  # fmt: skip
def thumbnails_sheet(call: StepCall, params: ThumbnailsSheetParams) -> bytes:
    """Draw frames at even times, row by row: picture ``k`` of ``n`` is at ``(k + 0.5) / n`` of the video.

    The file is read once for its key frames; then each picture is decoded from the key frame before it.

    Source: FFmpeg seeks, decodes and shrinks (by area), Pillow encodes.
    """
    from beam_jobs.media.video_file import VideoFile
    from beam_jobs.media.video_sheet import frames_at, sheet, tile

    count = params.columns * params.rows
    with call.stage("decode"), VideoFile(call.path("video"), max_pixels=params.max_pixels) as video:
        packets = video.packets()
        times = [(number + 0.5) / count * packets.end_s for number in range(count)]
        found = frames_at(video, times, keys_s=packets.keys_s, exact=params.exact)
        tiles = [tile(video, frame, params.width_px) for frame in found]
    call.media_seconds = packets.end_s
    with call.stage("encode"):
        return sheet(tiles, columns=params.columns, gap=params.gap_px, quality=params.quality)
