"""A team's own step, as a registry names it by dotted path: slow enough to be killed in its middle."""

from __future__ import annotations

import os
import time
from pathlib import Path

from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall


class SlowParams(StepParams):
    """How slow, and where to keep count."""

    seconds: float = 0.3


@step("slow", version="1", makes=".json", params=SlowParams)
def slow(call: StepCall, params: SlowParams) -> dict[str, object]:
    """Wait, and leave one line per call in a diary beside the songs, so that a test can count calls."""
    time.sleep(params.seconds)
    diary = Path(os.environ["MEDIA_TEST_FOLDER"]) / "diary.txt"
    with diary.open("a") as file:
        file.write(f"{call.item}\n")
    return {"item": call.item}
