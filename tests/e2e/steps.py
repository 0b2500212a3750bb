"""Two teams' own steps: quick looks at a song that stand for the models that the teams would run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from beam_jobs.contract.step import StepInput, StepParams, step
from beam_jobs.media.call import StepCall


class NoParams(StepParams):
    """Nothing to set."""


@step("speechiness", version="1", makes=".json", params=NoParams)
def speechiness(call: StepCall, params: NoParams) -> dict[str, object]:
    """Tell the share of zero crossings, which is higher in speech than in song."""
    import numpy as np

    return {"crossings": round(float(np.mean(np.diff(np.sign(_samples(call))) != 0)), 6)}


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
    diary = Path(os.environ["MEDIA_TEST_FOLDER"]) / f"inbox-diary{call.output.suffix}"
    line = f"{call.path('file').suffix} {call.item}\n".encode()
    number = os.open(diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(number, line)  # one write to a file that is appended to: lines never mix
    finally:
        os.close(number)
    return {"bytes": size}
