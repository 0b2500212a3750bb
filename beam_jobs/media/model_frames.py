"""From a media file to the rows that a model's frames are cut from, on disk: length costs no memory.

Rows are samples, mel spectra or pictures, one after the other in an ``.npy`` file.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from beam_jobs.contract.errors import StepError
from beam_jobs.media.call import StepCall
from beam_jobs.media.image_colour import flattened
from beam_jobs.media.image_facts import shown_size
from beam_jobs.media.image_file import open_image
from beam_jobs.media.image_resize import resized, target
from beam_jobs.media.mel_params import MelParams
from beam_jobs.media.model_params import ModelParams

Rows = npt.NDArray[Any]

MOST_VALUES: Final = 1 << 26
"""Of one frame: 256 MB as float32."""

_SILENCE_DB: Final = -100.0


class RowFile:
    """An ``.npy`` file that grows row by row; its header is right when it is closed.

    :param path: nothing is there yet.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._form: tuple[np.dtype[Any], tuple[int, ...]] | None = None
        self.rows = 0

    def append(self, rows: Rows) -> None:
        """Write ``rows``; all have the first ones' type and shape."""
        if self._form is None:
            self._form = (rows.dtype, rows.shape[1:])
            self._write_header()
        self._file.write(np.ascontiguousarray(rows).data)
        self.rows += len(rows)

    def _write_header(self) -> None:
        assert self._form is not None  # noqa: S101
        dtype, shape = self._form
        header = {
            "descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (self.rows, *shape)
        }  # fmt: skip
        # NumPy leaves room for the first axis to grow, so the last header is as long as the first.
        np.lib.format.write_array_header_1_0(self._file, header)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is None and self._form is not None:
                self._file.seek(0)
                self._write_header()


def write_rows(call: StepCall, params: ModelParams) -> None:
    """Write the rows of the call's item to ``call.output``.

    :raises UndecodableMedia: for what is no such media.
    :raises StepError: for a frame or a video that is too large.
    """
    with RowFile(call.output) as file:
        if params.kind == "image":
            file.append(_image(call, params)[None])
        elif params.kind == "video":
            for picture in _video(call, params):
                with call.stage("encode"):
                    file.append(picture[None])
        elif params.mel is not None:
            _mel(call, params, params.mel, file)
        else:
            _samples(call, params, file)


def _samples(call: StepCall, params: ModelParams, file: RowFile) -> None:
    from beam_jobs.media.stream import decoded, open_input

    with open_input(call, "media") as audio:
        for block in decoded(call, audio, channels=1, rate=params.sample_rate):
            with call.stage("encode"):
                file.append(block.astype(np.float32, copy=False))
    _fill_up(file, params, np.zeros(1, np.float32))


def _mel(call: StepCall, params: ModelParams, mel: MelParams, file: RowFile) -> None:
    from beam_jobs.media.mel import floored, spool_mel
    from beam_jobs.media.spool import Spool
    from beam_jobs.media.stream import decoded, open_input

    with Spool(call.output.parent, mel.n_mels) as spool:
        with open_input(call, "media") as audio:
            blocks = decoded(call, audio, channels=1, rate=mel.sample_rate)
            greatest = spool_mel(blocks, mel, spool)
        rows = spool.streamed(finish=lambda levels: floored(levels, greatest, mel.top_db))
        with call.stage("encode"):
            for piece in rows.pieces():
                file.append(piece[..., None])
    silence = np.full((1, mel.n_mels), _SILENCE_DB, np.float32)
    _fill_up(file, params, floored(silence, greatest, mel.top_db)[0, :, None])


def _fill_up(file: RowFile, params: ModelParams, silence: Rows) -> None:
    """Append silence up to the end of the last frame."""
    if params.frame * silence.size > MOST_VALUES:
        raise StepError(f"a frame of {params.frame} rows is too large; give a smaller frame")
    hops = max(0, -(-(file.rows - params.frame) // params.hop_rows))
    missing = params.frame + hops * params.hop_rows - file.rows
    if missing:
        file.append(np.repeat(silence[None], missing, axis=0))


def _image(call: StepCall, params: ModelParams) -> Rows:
    with (
        call.stage("decode"),
        open_image(call.path("media"), max_pixels=params.max_pixels) as image,
    ):
        size = _size(params, shown_size(image))
        picture = resized(image, size, how=params.how)
        return _pixels(flattened(picture, "#ffffff"), params)


def _video(call: StepCall, params: ModelParams) -> Iterator[Rows]:
    from beam_jobs.media.video_facts import shown_size
    from beam_jobs.media.video_file import VideoFile
    from beam_jobs.media.video_sheet import frames_at, tile

    with VideoFile(call.path("media"), max_pixels=params.max_pixels) as video:
        with call.stage("decode"):
            packets = video.packets()
        call.media_seconds = packets.end_s
        times = _times(packets.end_s, params)
        found = frames_at(video, times, keys_s=packets.keys_s, exact=True)
        size = None
        while True:
            with call.stage("decode"):
                frame = next(found, None)
                if frame is None:
                    return
                shown = shown_size(video.stream, frame)
                size = size or _size(params, shown)
                picture = tile(video, frame, shown[0])
                box, part = target(picture.size, size, how=params.how)
                sized = picture.resize(box, Image.Resampling.LANCZOS, box=part)
                pixels = _pixels(sized, params)
            yield pixels


def _times(end_s: float, params: ModelParams) -> list[float]:
    """Return when the frames are shown that the model sees, the first one always among them."""
    count = max(1, -(-round(end_s * 1e6) // round(params.every_s * 1e6)))
    if count > params.max_frames:
        raise StepError(
            f"{count} frames in {end_s:.0f} s, one every {params.every_s:g} s; "
            f"max_frames is {params.max_frames}: raise it or every_s"
        )
    return list(itertools.islice(itertools.count(0.0, params.every_s), count))


def _size(params: ModelParams, own: tuple[int, int]) -> tuple[int, int]:
    if params.width_px is None or params.height_px is None:
        if own[0] * own[1] * params.depth > MOST_VALUES:
            raise StepError(
                f"a picture of {own[0]} x {own[1]} pixels is too large for a model; "
                "give width_px and height_px"
            )
        return own
    return params.width_px, params.height_px


def _pixels(picture: Image.Image, params: ModelParams) -> Rows:
    """Return the picture's pixels: height, width, channel."""
    if params.channels == "grey":
        return np.asarray(picture.convert("L"))[..., None]
    pixels = np.asarray(picture.convert("RGB"))
    return pixels[..., ::-1] if params.channels == "bgr" else pixels
