"""From the rows of an item on disk to what a model takes, some frames at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from beam_jobs.media.model_params import ModelParams

Frames = npt.NDArray[np.float32]
"""As the model takes them, with the frames as the first axis."""

_BLOCK_BYTES: Final = 64 << 20


def frame_blocks(path: Path, params: ModelParams) -> Iterator[Frames]:
    """Yield the frames of a file that :func:`~beam_jobs.media.model_frames.write_rows` wrote.

    No more than :attr:`ModelParams.at_a_time` of them are in memory, and fewer when they are large.
    """
    with path.open("rb") as file:
        shape, dtype, start = _read_header(file)
        rows, form = shape[0], shape[1:]
        row_bytes = dtype.itemsize * int(np.prod(form))
        length, hop = params.frame_rows, params.hop_rows
        count = 1 + (rows - length) // hop
        most = max(1, _BLOCK_BYTES // (4 * length * int(np.prod(form))))
        step = min(params.at_a_time, most)
        for first in range(0, count, step):
            number = min(step, count - first)
            needed = (number - 1) * hop + length
            file.seek(start + first * hop * row_bytes)
            block = np.fromfile(file, dtype, needed * row_bytes // dtype.itemsize).reshape(needed, *form)
            yield as_input(_cut(block, length, hop), params)


def as_input(frames: npt.NDArray[Any], params: ModelParams) -> Frames:
    """Return frames as the model takes them, but for the type of its numbers.

    :param frames: with the axes :attr:`ModelParams.canonical`.
    """
    scale = params.scale if params.scale is not None else 1 / 255 if params.shows == "pixels" else 1.0
    values = frames.astype(np.float32)
    values *= np.float32(scale)
    values -= np.asarray(params.mean, np.float32)
    values /= np.asarray(params.std, np.float32)
    return np.ascontiguousarray(arranged(values, params))


def arranged(frames: npt.NDArray[Any], params: ModelParams) -> npt.NDArray[Any]:
    """Return frames with the axes of the model's input; frames first, also where it takes but one."""
    wanted = "N" + params.axes.replace("N", "")
    kept = [axis for axis in params.canonical if axis in wanted]
    left_out = tuple(place for place, axis in enumerate(params.canonical) if axis not in wanted)
    return frames.squeeze(left_out).transpose([kept.index(axis) for axis in wanted])


def frame_shape(params: ModelParams) -> tuple[int, ...] | None:
    """Return the shape of a frame as :func:`arranged` gives it; None when each item has its own."""
    if params.shows == "pixels":
        if params.width_px is None or params.height_px is None:
            return None
        form: tuple[int, ...] = (params.height_px, params.width_px, params.depth)
    else:
        form = (params.frame, 1) if params.mel is None else (params.frame, params.mel.n_mels, 1)
    blank = np.broadcast_to(np.float32(0), (1, *form))
    return arranged(blank, params).shape[1:]


def _cut(rows: npt.NDArray[Any], length: int, hop: int) -> npt.NDArray[Any]:
    """Return frames of ``length`` rows as views."""
    if length == 1 and hop == 1 and rows.ndim > 3:  # noqa: PLR2004 - pictures: a row is a frame
        return rows
    views = np.lib.stride_tricks.sliding_window_view(rows, length, axis=0)[::hop]
    return np.moveaxis(views, -1, 1)


def _read_header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return shape, dtype, file.tell()
