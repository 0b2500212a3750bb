"""Steps that write down in a diary what they are asked to do, so that a test need not believe a report.

Two teams' own are quick looks at a song that stand for the models that the teams would run.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from beam_jobs.contract.step import Step, StepInput, StepParams, load_step, step
from beam_jobs.media.call import StepCall


def write_down(diary: str, line: str) -> None:
    """Add a line to a diary, whichever processes do that at the same time."""
    path = Path(os.environ["MEDIA_TEST_FOLDER"]) / diary
    number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(number, f"{line}\n".encode())  # one write to a file that is appended to: lines never mix
    finally:
        os.close(number)


def with_diary(made: Step) -> Step:
    """Return a step that writes down ``JOB ITEM`` and then does what ``made`` does."""

    def run(call: StepCall, params: Any) -> Any:
        write_down("seed-diary", f"{made.name} {call.item}")
        assert made.run is not None
        return made.run(call, params)

    return replace(made, run=run)


downsample = with_diary(load_step("downsample"))
beat_tracking = with_diary(load_step("beat_tracking"))
energy = with_diary(load_step("energy"))


class NoParams(StepParams):
    """Nothing to set."""


@with_diary
@step("speechiness", version="1", makes=".json", params=NoParams)
def speechiness(call: StepCall, params: NoParams) -> dict[str, object]:
    """Tell the share of zero crossings, which is higher in speech than in song."""
    import numpy as np

    return {"crossings": round(float(np.mean(np.diff(np.sign(_samples(call))) != 0)), 6)}


@with_diary
@step("instrumentalness", version="1", makes=".json", params=NoParams)
def instrumentalness(call: StepCall, params: NoParams) -> dict[str, object]:
    """Tell how much of the level is there all the time."""
    import numpy as np

    level = np.abs(_samples(call))
    return {"steady": round(float(np.median(level) / (np.max(level) + 1e-9)), 6)}


def _samples(call: StepCall) -> Any:
    import soundfile

    samples, _ = soundfile.read(call.path(), dtype="float32")
    return samples


@step("tally", version="1", makes=".json", takes=(StepInput(name="file"),), params=NoParams)
def tally(call: StepCall, params: NoParams) -> dict[str, object]:
    """Count bytes, and leave one line per call in a diary, so that a test can count calls."""
    size = call.path("file").stat().st_size
    write_down(f"inbox-diary{call.output.suffix}", f"{call.path('file').suffix} {call.item}")
    return {"bytes": size}
