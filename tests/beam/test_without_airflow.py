"""The worker installs and runs where there is no Airflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.manifest import ManifestRow, encode_row
from scripts.setup_env import bring_uv
from tests import samples
from tests.beam.jobs import PROJECT, JobFolder

NEEDS = {
    "downsample": {"audio": "in/{item}.wav"},
    "beat_tracking": {"audio": "downsample/{item}.flac"},
    "energy": {"audio": "downsample/{item}.flac", "beats": "beat_tracking/{item}.json"},
    "loudness": {"audio": "downsample/{item}.flac"},
    "spectral": {"audio": "downsample/{item}.flac"},
    "plots": {"audio": "downsample/{item}.flac"},
}
MAKES = {"downsample": ".flac", "plots": ".png"}

BLOCKED = """
import importlib, pkgutil, sys


class NoAirflow:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("airflow", "airflow_media_provider"):
            raise ImportError(f"{name} was asked for")


sys.meta_path.insert(0, NoAirflow())
import beam_jobs

for module in pkgutil.walk_packages(beam_jobs.__path__, "beam_jobs."):
    if module.name != "beam_jobs.isolation.boot":
        importlib.import_module(module.name)
from beam_jobs.run import main

sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Make an environment of the project with its worker extra, at the locked versions, and nothing else."""
    uv, folder = bring_uv(), tmp_path_factory.mktemp("worker") / "venv"
    python = str(folder / "bin" / "python")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    install = [
        uv, "pip", "install", "--quiet", "--python", python,
        "--constraint", str(PROJECT / "requirements.lock"), f"{PROJECT}[worker]",
    ]  # fmt: skip
    # What is installed here came through uv, so most of the time nothing has to be downloaded again.
    if subprocess.run([*install, "--offline"], capture_output=True, check=False).returncode:
        done = subprocess.run(install, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"the worker could not be installed without Airflow:\n{done.stderr}"
    return python


def _chain(folder: Path) -> list[str]:
    """Write a song and the specs of all built-in steps."""
    samples.write_audio(folder / "in" / "song.wav", samples.song(120, 6)[0])
    (folder / "manifest.jsonl").write_text(encode_row(ManifestRow(item="song")) + "\n")
    specs = []
    for job, inputs in NEEDS.items():
        spec = LaunchSpec(
            run_id="test", job=job, step=job, params={}, total=1, manifest=f"{folder}/manifest.jsonl",
            inputs={name: f"{folder}/{place}" for name, place in inputs.items()},
            output=f"{folder}/{job}/{{item}}{MAKES.get(job, '.json')}", report=f"{folder}/reports/{job}",
            concurrency=1,
        )  # fmt: skip
        path = folder / f"{job}.launch.json"
        path.write_text(spec.model_dump_json())
        specs.append(str(path))
    return specs


def test_the_reference_graph_runs_in_an_environment_without_airflow(python: str, tmp_path: Path) -> None:
    listing = subprocess.run(
        [python, "-c", "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    installed = listing.stdout.split()
    assert "airflow-media-provider" in installed
    assert "apache-beam" in installed
    assert [name for name in installed if name.startswith("apache-airflow")] == []
    done = subprocess.run(
        [python, "-m", "beam_jobs.run", *_chain(tmp_path)],
        cwd=tmp_path, capture_output=True, text=True, timeout=400, check=False,
        # Each of its processes would compile all libraries again.
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summaries: dict[str, Any] = {
        job: json.loads((tmp_path / "reports" / job / "summary.json").read_text()) for job in NEEDS
    }
    assert {job: summary["counts"]["done"] for job, summary in summaries.items()} == dict.fromkeys(NEEDS, 1)
    for job, summary in summaries.items():
        suffix, schema = summary["artifact"]["suffix"], summary["artifact"]["schema"]
        assert suffix == MAKES.get(job, ".json")
        assert (schema is None) == (suffix != ".json")
        if schema:
            jsonschema.validate(json.loads((tmp_path / f"{job}/song.json").read_text()), schema)
    beats = json.loads((tmp_path / "beat_tracking/song.json").read_text())
    assert beats["tempo_bpm"] == pytest.approx(120, rel=0.05)


def test_every_built_in_step_finds_its_libraries_there(python: str, tmp_path: Path) -> None:
    warm_up = (
        "from beam_jobs.contract.step import builtin_steps, load_step\n"
        "for step in map(load_step, builtin_steps()):\n"
        "    step.warm_up and step.warm_up()\n"
    )
    subprocess.run([python, "-c", warm_up], cwd=tmp_path, check=True, timeout=400)


def test_no_module_of_the_worker_asks_for_airflow_or_the_provider(job: JobFolder) -> None:
    job.add("a")
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, job.write()],
        cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert job.rows()["a"].status == "done"
