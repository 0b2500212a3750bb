"""Parameters that steps over video share."""

from __future__ import annotations

from pydantic import Field

from beam_jobs.contract.step import StepParams


class VideoParams(StepParams):
    """What a step may read.

    :param max_pixels: a video whose frames are claimed to be larger is refused before one is decoded. The
        default is 8K.
    """

    max_pixels: int = Field(default=7680 * 4320, ge=1, le=16_384 * 8_704)
