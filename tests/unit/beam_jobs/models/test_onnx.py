from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.beam.jobs import PROJECT
from tests.onnx_models import write_loudness

LOAD = """
import sys
from beam_jobs.media.model_params import ModelParams
from beam_jobs.models.onnx import load_model
load_model(ModelParams(model=sys.argv[1], kind="audio"))
"""


def test_the_runtime_keeps_no_record_of_its_sessions_to_report_to_its_maker(tmp_path: Path) -> None:
    model = write_loudness(tmp_path / "model.onnx")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run(
        [sys.executable, "-c", LOAD, str(model)], check=True, cwd=PROJECT, env={**env, "TMPDIR": str(scratch)}
    )
    assert list(scratch.iterdir()) == []
