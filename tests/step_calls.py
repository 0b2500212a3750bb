"""Run steps on local files, as the worker's child does, without a pipeline.

``python -m tests.step_calls`` makes what its input asks for in a process that has made nothing yet.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import shutil
import sys
import tempfile
from functools import cache
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
        output = Path(tempfile.mkdtemp(dir=_outputs())) / f"artifact{step.suffix(parsed)}"
    call = StepCall(
        item="some/item", inputs=inputs, output=output, child_suffix=step.child_suffix(parsed) or ""
    )
    assert step.run is not None
    with call.stage("step"):
        return step.run(call, parsed), call


@cache
def _outputs() -> str:
    """Return a folder that goes with this process."""
    folder = tempfile.mkdtemp(prefix="step-calls-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def files_of(step: str | Step, inputs: dict[str, Path]) -> dict[str, bytes]:
    """Return what ``step`` makes by default, as it would be stored: the artifact ("") and its children.

    :param inputs: a file for each input name that any step may have.
    """
    step = load_step(step) if isinstance(step, str) else step
    result, call = call_step(step, **{takes.name: inputs[takes.name] for takes in step.takes})
    if isinstance(result, Path):
        result = result.read_bytes()
    elif not isinstance(result, bytes):
        result = json.dumps(result, sort_keys=True).encode()
    children = {
        name: call.output.with_name(f"{call.output.name}.{name}{call.child_suffix}") for name in call.children
    }
    return {"": result, **{name: path.read_bytes() for name, path in children.items()}}


def digests(files: dict[str, bytes]) -> dict[str, str]:
    """Return what tells files apart."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    files = {name: Path(path) for name, path in asked["inputs"].items()}
    json.dump({step: digests(files_of(step, files)) for step in asked["steps"]}, sys.stdout)
