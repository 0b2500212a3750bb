"""What RunInference asks: blocks of frames in, answers out; what goes wrong costs its own item."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from apache_beam.ml.inference.base import ModelHandler

from beam_jobs.media.model_input import Frames
from beam_jobs.media.model_params import ModelParams
from beam_jobs.models.onnx import Answers, OnnxModel, load_model


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameBlock:
    """Some frames of an item.

    :param number: of the block, from 0.
    :param last: no block comes after this.
    :param error: class and message of why there are no frames.
    :param facts: what travels with it, of no concern to the model.
    """

    number: int
    last: bool
    frames: Frames
    error: tuple[str, str] | None = None
    facts: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockAnswer:
    """What came of a block.

    :param answers: one row per frame; None when there are none.
    :param error: class and message, or None.
    :param seconds: that the model took for it.
    """

    number: int
    last: bool
    answers: Answers | None = None
    error: tuple[str, str] | None = None
    seconds: float = 0.0
    facts: Any = None


class FrameHandler(ModelHandler[FrameBlock, BlockAnswer, OnnxModel]):
    """Runs an ONNX model on blocks of frames.

    Beam's own OnnxModelHandlerNumpy raises for a whole batch when one of it does not fit, and wants the onnx
    package beside the runtime.
    """

    def __init__(self, params: ModelParams) -> None:
        # A block of audio or video is a batch already; images come one by one.
        size = params.at_a_time if params.kind == "image" else 1
        super().__init__(min_batch_size=size, max_batch_size=size)
        self._params = params

    def load_model(self) -> OnnxModel:
        """Load the model; RunInference does this once per process."""
        return load_model(self._params)

    def run_inference(
        self,
        batch: Sequence[FrameBlock],
        model: OnnxModel,
        inference_args: dict[str, Any] | None = None,
    ) -> list[BlockAnswer]:
        """Return an answer for each block, in their order."""
        found = {
            place: _answer(block, error=block.error)
            for place, block in enumerate(batch)
            if block.error is not None
        }
        for places in _alike(batch):
            blocks = [batch[place] for place in places]
            found.update(zip(places, _ask(model, blocks), strict=True))
        return [found[place] for place in range(len(batch))]

    def get_num_bytes(self, batch: Sequence[FrameBlock]) -> int:
        """Return the bytes of all frames."""
        return sum(block.frames.nbytes for block in batch)


def _alike(batch: Sequence[FrameBlock]) -> Iterator[list[int]]:
    """Yield the places of blocks whose frames have the same shape."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, block in enumerate(batch):
        if block.error is not None:
            continue
        groups.setdefault(block.frames.shape[1:], []).append(place)
    yield from groups.values()


def _ask(model: OnnxModel, blocks: Sequence[FrameBlock]) -> list[BlockAnswer]:
    """Ask for several blocks at once; when that fails, one by one to find whose fault it is."""
    started = time.perf_counter()
    try:
        answers = model.ask(np.concatenate([block.frames for block in blocks]))
    except Exception as error:
        if len(blocks) > 1:
            return [answer for block in blocks for answer in _ask(model, [block])]
        fault = (type(error).__name__, str(error) or type(error).__name__)
        return [_answer(blocks[0], error=fault, seconds=time.perf_counter() - started)]
    per_frame = (time.perf_counter() - started) / len(answers)
    ends = np.cumsum([len(block.frames) for block in blocks])
    parts = np.split(answers, ends[:-1])
    return [
        _answer(block, answers=part, seconds=per_frame * len(part))
        for block, part in zip(blocks, parts, strict=True)
    ]


def _answer(block: FrameBlock, **values: Any) -> BlockAnswer:
    return BlockAnswer(number=block.number, last=block.last, facts=block.facts, **values)
