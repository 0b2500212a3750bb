"""The answers for one item's frames, gathered block by block."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from beam_jobs.contract.errors import ModelFailed, StepError
from beam_jobs.media.answer_params import AnswerParams
from beam_jobs.models.handler import BlockAnswer
from beam_jobs.models.onnx import Answers

_MB: Final = 1 << 20


class Gathered:
    """The answers for one item; what is wrong with one of its blocks is wrong with the item.

    :param params: with ``aggregate: none`` all answers are kept in memory, else a number per label.
    """

    def __init__(self, params: AnswerParams) -> None:
        self._params = params
        self._kept: list[Answers] = []
        self._total: npt.NDArray[np.float64] | None = None
        self._bytes = 0
        self._next = 0
        self.is_complete = False
        self.frames = 0
        self.seconds = 0.0
        self.fault: tuple[str, str] | None = None
        self.facts: Any = None

    def add(self, block: BlockAnswer) -> None:
        """Take in the next block's answers; after a fault no more."""
        self.is_complete |= block.last
        self.facts, self.seconds = block.facts, self.seconds + block.seconds
        if self.fault is None and block.number != self._next:
            self.fault = ("StepError", f"block {self._next} of its frames was lost on the way; run it again")
        self._next += 1
        try:
            if self.fault is None and block.answers is not None:
                self._take(_activated(_finite(block.answers), self._params.activation))
        except StepError as error:
            self.fault = (type(error).__name__, str(error))
        self.fault = self.fault or block.error
        if self.fault is not None:
            self._kept.clear()

    def all(self) -> Answers:
        """Return the answers for all frames."""
        return np.concatenate(self._kept)

    def scores(self) -> npt.NDArray[np.float64]:
        """Return one number per label, aggregated over the frames."""
        assert self._total is not None  # noqa: S101 - an item has a frame
        return self._total / self.frames if self._params.aggregate == "mean" else self._total

    def _take(self, answers: Answers) -> None:
        before, self.frames = self.frames, self.frames + len(answers)
        if self._params.aggregate == "none":
            self._keep(answers)
            return
        rows = _rows(answers)
        mean = self._params.aggregate == "mean"
        part = rows.sum(axis=0, dtype=np.float64) if mean else rows.max(axis=0).astype(np.float64)
        if not before or self._total is None:
            self._total = part
        elif len(part) != len(self._total):
            _raise_for(self._total.shape, part.shape)
        else:
            self._total = self._total + part if mean else np.maximum(self._total, part)

    def _keep(self, answers: Answers) -> None:
        if self._kept and answers.shape[1:] != self._kept[0].shape[1:]:
            _raise_for(self._kept[0].shape[1:], answers.shape[1:])
        self._bytes += answers.nbytes
        if self._bytes > self._params.max_answers_mb * _MB:
            raise StepError(
                f"the answers for its frames take more than max_answers_mb ({self._params.max_answers_mb}); "
                "raise that, or hop or every_s, or aggregate"
            )
        self._kept.append(answers)


def _finite(answers: Answers) -> Answers:
    bad = ~np.isfinite(answers.reshape(len(answers), -1)).all(axis=1)
    if bad.any():
        raise ModelFailed(
            f"the model answered NaN or infinity, first for frame {int(bad.argmax())} of a block"
        )
    return answers


def _activated(answers: Answers, how: str) -> Answers:
    if how == "none":
        return answers
    exact = answers.astype(np.float64)
    if how == "sigmoid":
        return (0.5 * (1 + np.tanh(exact / 2))).astype(np.float32)
    if exact.ndim < 2:  # noqa: PLR2004
        raise ModelFailed("softmax is over several numbers, and the model gives one for each frame")
    powers = np.exp(exact - exact.max(axis=-1, keepdims=True))
    shares: Answers = (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)
    return shares


def _rows(answers: Answers) -> Answers:
    """Return one row of numbers per frame."""
    longer = [length for length in answers.shape[1:] if length != 1]
    if len(longer) > 1:
        raise ModelFailed(
            f"the model's answer for a frame has the shape {list(answers.shape[1:])}, and labels have one "
            "number each; give aggregate: none to keep all of it"
        )
    return answers.reshape(len(answers), -1)


def _raise_for(before: tuple[int, ...], now: tuple[int, ...]) -> None:
    raise ModelFailed(
        f"the model's answers have the shape {list(before)} for some frames and {list(now)} for others"
    )
