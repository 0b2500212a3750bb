"""Run one step on local files, as the worker's child does, without a pipeline."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from beam_jobs.contract.step import Step, load_step
from beam_jobs.media.call import StepCall


def call_step(
    step: str | Step, params: dict[str, Any] | None = None, *, output: Path | None = None, **inputs: Path
) -> tuple[Any, StepCall]:
    """Run ``step`` and return its result and the call.

    :param output: where a step that writes a file puts it; a new temporary folder when not given.
    :param inputs: input name -> file.
    """
    step = load_step(step) if isinstance(step, str) else step
    parsed = step.parse_params(params or {})
    if output is None:
        output = Path(tempfile.mkdtemp()) / f"artifact{step.suffix(parsed)}"
    call = StepCall(
        item="some/item", inputs=inputs, output=output, child_suffix=step.child_suffix(parsed) or ""
    )
    assert step.run is not None
    with call.stage("step"):
        return step.run(call, parsed), call
