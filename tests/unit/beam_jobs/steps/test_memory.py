"""Three hours need no more memory than a song: blocks come and go."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from tests import samples

PEAK = """
import resource, sys
from pathlib import Path
from beam_jobs.contract.step import load_step
from tests.step_calls import call_step
step = load_step(sys.argv[1])
step.warm_up()
call_step(step, audio=Path(sys.argv[2]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
call_step(step, audio=Path(sys.argv[3]))
print(before / 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A song of three and a half minutes, and three hours of the same, at a rate that is quick to write."""
    folder = tmp_path_factory.mktemp("long")
    minute = samples.song(120, 60, rate=22_050)[0]
    import soundfile

    paths = []
    for name, minutes in (("song", 3.5), ("three_hours", 180)):
        path = folder / f"{name}.flac"
        with soundfile.SoundFile(path, "w", 22_050, 2, format="FLAC") as file:
            for _ in range(int(np.ceil(minutes))):
                file.write(minute)
        paths.append(path)
    return paths


@pytest.mark.parametrize(
    "step",
    [
        "downsample",
        "loudness",
        "plots",
        *(pytest.param(step, marks=pytest.mark.perf) for step in ("fingerprint", "speechiness", "pitch")),
    ],
)
def test_three_hours_need_no_more_memory_than_a_song(files, step):
    song, three_hours = files
    done = subprocess.run(
        [sys.executable, "-c", PEAK, step, str(song), str(three_hours)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},  # as the worker's children
    )
    for_a_song, for_three_hours = map(float, done.stdout.split())
    assert for_three_hours - for_a_song < 60, "MB"
