"""An hour needs no more memory than a song: blocks come and go; a benchmark measures three hours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from beam_jobs.contract.step import load_step
from tests import samples

RATE = 8_000
"""Low, so that an hour is quick to write and read; decoded it is 230 MB."""
MINUTES = {"song": 4, "hour": 60}
PEAK = """
import json, resource, sys
from pathlib import Path
from beam_jobs.contract.step import load_step
from tests.step_calls import call_step
step = load_step(sys.argv[1])
step.warm_up()
peaks = []
for folder in sys.argv[2:]:
    call_step(step, **{takes.name: next(Path(folder).glob(takes.name + ".*")) for takes in step.takes})
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
print(json.dumps(peaks))
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A song of four minutes, and an hour of the same, each with its beats."""
    minute = samples.song(120, 60, rate=RATE)[0]
    made = []
    for name, minutes in MINUTES.items():
        folder = tmp_path_factory.mktemp(name)
        with soundfile.SoundFile(folder / "audio.flac", "w", RATE, 2, format="FLAC") as file:
            for _ in range(minutes):
                file.write(minute)
        beats = np.arange(0.25, 60 * minutes, 0.5).tolist()
        (folder / "beats.json").write_text(json.dumps({"beats_s": beats}))
        made.append(folder)
    return made


@pytest.mark.parametrize(
    "step",
    [
        *("probe", "quality", "downsample", "transcode", "excerpt", "split", "loudness", "energy", "plots"),
        *(pytest.param(step, marks=pytest.mark.perf) for step in ("fingerprint", "speechiness", "pitch")),
    ],
)
def test_an_hour_needs_no_more_memory_than_a_song(folders, step):
    assert load_step(step).warm_up is not None
    with tempfile.TemporaryDirectory() as outputs:
        done = subprocess.run(
            [sys.executable, "-c", PEAK, step, *map(str, folders)],
            capture_output=True,
            text=True,
            check=True,
            # One thread, as the worker's children have.
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TMPDIR": outputs},
        )
        assert not list(Path(outputs).iterdir()), "all of it is gone with the process"
    for_a_song, for_an_hour = json.loads(done.stdout)
    assert for_an_hour - for_a_song < 20, "MB"
