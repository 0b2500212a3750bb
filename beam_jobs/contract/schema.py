"""The published JSON Schema of what a step makes."""

from __future__ import annotations

from typing import Any

from beam_jobs.contract.step import Step

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def artifact_schema(step: Step) -> dict[str, Any] | None:
    """Return the JSON Schema of a step's JSON artifact; None when the step tells none.

    Besides the standard's own words, each value's schema tells its ``unit``, lists tell the ``shape``, and
    the whole tells ``step`` and ``version``: the step and the version that such artifacts are of.
    """
    if step.result is None:
        return None
    schema = step.result.model_json_schema(mode="serialization")
    return {"$schema": DIALECT, "step": step.name, "version": step.version, **schema}
