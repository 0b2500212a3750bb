"""What a child is asked, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from beam_jobs.contract.launch import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUse:
    """A step as a pool runs it.

    :param step: built-in step or dotted path.
    :param limits: per item.
    """

    step: str
    params: Mapping[str, Any]
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTask:
    """One call of a step.

    :param inputs: input name -> local path.
    :param output: local path that the artifact shall have; nothing is there yet.
    :param child_suffix: of the files of the item's children; "" when the step makes none.
    :param use: which of the pool's steps.
    :param keep: inputs that another step of the same item reads afterwards: what is decoded of them is kept.
    :param output_is_read: one reads the artifact: what decoding it would give is kept.
    """

    item: str
    inputs: Mapping[str, str]
    output: str
    child_suffix: str = ""
    use: int = 0
    keep: tuple[str, ...] = ()
    output_is_read: bool = False

    def as_message(self) -> dict[str, Any]:
        """Return what the child is sent. ``asdict`` copies it all, which takes longer than sending it."""
        return {part.name: getattr(self, part.name) for part in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """What came of a call: a file at the task's output, or an error.

    :param error_class: "" when all went well.
    :param stage: where the error happened.
    :param children: names of the item's children; their files are beside the output.
    """

    error_class: str = ""
    message: str = ""
    stage: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    media_seconds: float = 0.0
    children: list[str] = field(default_factory=list)

    @classmethod
    def failure(cls, error: Exception, *, stage: str = "step", **values: Any) -> StepOutcome:
        """Return the outcome of a call that ended in ``error``."""
        return cls(error_class=type(error).__name__, message=str(error), stage=stage, **values)
