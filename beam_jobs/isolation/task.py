"""What a child is asked, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTask:
    """One call of a step.

    :param inputs: input name -> local path.
    :param output: local path that the artifact shall have; nothing is there yet.
    """

    item: str
    inputs: Mapping[str, str]
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """What came of a call: a file at the task's output, or an error.

    :param error_class: "" when all went well.
    :param stage: where the error happened.
    """

    error_class: str = ""
    message: str = ""
    stage: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    media_seconds: float = 0.0

    @classmethod
    def failure(cls, error: Exception, *, stage: str = "step", **values: Any) -> StepOutcome:
        """Return the outcome of a call that ended in ``error``."""
        return cls(error_class=type(error).__name__, message=str(error), stage=stage, **values)
