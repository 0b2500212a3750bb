"""What becomes of a model's answers."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from beam_jobs.contract.step import StepParams


class AnswerParams(StepParams):
    """What is stored of a model's answers, of which it gives one for each frame.

    :param activation: what is done to each answer first.
    :param aggregate: ``mean`` or ``max`` over the item's frames, label by label, as JSON; ``none`` = all
        answers as they are, as an array.
    :param labels: names of an answer's numbers; null = 0, 1, ...
    :param top: keep so many labels, the one with the greatest number first; null = all, in their order.
    :param max_answers_mb: an item whose answers take more is refused; with ``aggregate: none`` they are kept
        in memory until the last.
    """

    activation: Literal["none", "softmax", "sigmoid"] = "none"
    aggregate: Literal["mean", "max", "none"] = "mean"
    labels: tuple[str, ...] | None = Field(default=None, min_length=1)
    top: int | None = Field(default=None, ge=1)
    max_answers_mb: int = Field(default=256, ge=1)

    @model_validator(mode="after")
    def _labels_can_be_told_apart(self) -> Self:
        if self.labels is not None and len(set(self.labels)) < len(self.labels):
            twice = next(label for label in self.labels if self.labels.count(label) > 1)
            raise ValueError(f"label {twice!r} is there twice")
        if self.top is not None and self.aggregate == "none":
            raise ValueError("top is of aggregated answers, and aggregate is 'none'")
        return self


def answer_suffix(params: AnswerParams) -> str:
    """Return how the artifact ends that is made with ``params``."""
    return ".npz" if params.aggregate == "none" else ".json"
