"""A number in a step's result says what it is measured in."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class StepResult(BaseModel):
    """Base of the models of JSON artifacts: exactly these keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def quantity(unit: str, description: str, *, shape: str = "", **more: Any) -> Any:
    """Return a field whose JSON Schema tells its unit and, for lists, its shape.

    :param unit: ``s``, ``Hz``, ``dBFS``, ``LUFS``, ``LU``, ``dBTP``, ``BPM``, ``px``, ``bytes``, ``text``, or
        ``1`` (a ratio or a count).
    :param shape: what the axes of a list are, e.g. ``(beats,)``.
    :param more: as for :func:`pydantic.Field`.
    """
    extra: dict[str, Any] = {"unit": unit, **({"shape": shape} if shape else {})}
    return Field(description=description, json_schema_extra=extra, **more)
