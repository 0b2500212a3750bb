"""``airflow media …`` as people type it: the real command, found through the provider's registration."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.songs import make_songs, spoil

AIRFLOW = str(Path(sys.executable).parent / "airflow")

REGISTRY = """\
version: 1
root: file://{folder}/artifacts
source: {{uri: "file://{folder}/songs/{{item}}.ogg"}}
jobs:
  downsample: {{step: downsample, needs: [source], team: platform}}
  loudness: {{step: loudness, needs: [downsample], team: a}}
"""

SLOW_STEP = """
import time
from beam_jobs.contract.step import step

print("a step may print when it is imported")

@step("slow", version="1", makes=".json")
def slow(call, params):
    if call.item != "rock/a":
        time.sleep(120)
    return {"item": call.item}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two songs, one of which is none, and a registry of two jobs."""
    make_songs(tmp_path / "songs", ["rock/a", "rock/b"])
    spoil(tmp_path / "songs", "rock/b")
    (tmp_path / "registry.yaml").write_text(REGISTRY.format(folder=tmp_path))
    return tmp_path


def media(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [AIRFLOW, "media", *words], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_group_is_one_of_airflows_own(folder):
    done = subprocess.run([AIRFLOW, "media", "--help"], capture_output=True, text=True, check=True)
    for command in ("jobs", "validate", "plan", "run", "status", "why"):
        assert command in done.stdout


def test_wrong_arguments_are_code_2(folder):
    done = media(folder, "plan", "--registry", "registry.yaml", "--mode", "sideways")
    assert done.returncode == 2
    assert "invalid choice: 'sideways'" in done.stderr


@pytest.mark.beam
def test_a_catalog_is_planned_run_looked_at_and_not_done_twice(folder):
    request = ("--registry", "registry.yaml", "--target", "loudness", "--prefix", "rock/", "--output", "json")

    planned = media(folder, "plan", *request)
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout) == {
        "jobs": {job: _planned(run=2) for job in ("downsample", "loudness")}
    }

    first = media(folder, "run", *request)
    assert first.returncode == 1, first.stderr
    answer = json.loads(first.stdout)
    assert answer["jobs"] == {"downsample": _ran(done=1, failed=1), "loudness": _ran(done=1, blocked=1)}
    assert Path(answer["report"].removeprefix("file://"), "plan.json").is_file()
    assert "downsample: 1 done, 1 failed" in first.stderr
    assert "downsample: item 'rock/b': " in first.stderr

    make_songs(folder / "songs", ["rock/b"])
    second = media(folder, "run", *request)
    assert second.returncode == 0, second.stderr
    ran = _ran(done=1, present=1)
    assert json.loads(second.stdout)["jobs"] == {"downsample": ran, "loudness": ran}

    status = media(folder, "status", *request)
    assert {job: row["coverage"] for job, row in json.loads(status.stdout)["jobs"].items()} == {"loudness": 1}

    why = media(folder, "why", "rock/b", "--registry", "registry.yaml", "--output", "json")
    reports = json.loads(why.stdout)["jobs"]["downsample"]["reports"]
    assert [row["status"] for row in reports] == ["done", "failed"], "newest first"
    assert (reports[1]["stage"], reports[1]["error"]) == ("decode", "UndecodableMedia")


@pytest.mark.beam
def test_a_dry_run_keeps_the_plan_and_starts_nothing(folder):
    done = media(folder, "run", "-r", "registry.yaml", "-p", "rock/", "--dry-run", "-o", "json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["jobs"]["loudness"] == _planned(run=2)
    assert Path(answer["report"].removeprefix("file://"), "cells.parquet").is_file()
    assert not (folder / "artifacts" / "downsample").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--python", "/no/such/python"), "cannot start the worker with /no/such/python"),
        (("--python", "/bin/false"), "the worker of downsample, loudness ended with code 1"),
    ],
)
def test_a_worker_that_cannot_run_is_code_2(folder, words, message):
    done = media(folder, "run", "-r", "registry.yaml", "-p", "rock/", "-o", "json", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_root_that_cannot_be_written_is_code_2(folder):
    # A file where the folder should be: it refuses every user, the super-user too.
    (folder / "artifacts").write_text("in the way")
    done = media(folder, "run", "-r", "registry.yaml", "-p", "rock/", "-o", "json")
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"error: file://{folder}/artifacts/_runs/")
    assert "Traceback" not in done.stderr


@pytest.mark.beam
def test_an_interrupted_run_leaves_no_process_and_goes_on_where_it_was(folder):
    (folder / "slow_steps.py").write_text(SLOW_STEP)
    (folder / "registry.yaml").write_text(
        REGISTRY.format(folder=folder).partition("jobs:")[0]
        + 'jobs:\n  slow: {step: "slow_steps:slow", needs: [source]}\n'
    )
    made = folder / "artifacts" / "slow"
    with _started(folder, "run", "-r", "registry.yaml", "-p", "rock/", "-o", "json") as process:
        _wait_for(lambda: any(made.rglob("a.json")), process)
        below = psutil.Process(process.pid).children(recursive=True)
        assert below, "the worker and its children"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "the same command goes on from there" in err
    _, alive = psutil.wait_procs(below, timeout=15)
    assert not alive

    planned = media(folder, "plan", "-r", "registry.yaml", "-p", "rock/", "-o", "json")
    assert json.loads(planned.stdout)["jobs"] == {"slow": {"run": 1, "present": 1, "blocked": 0}}
    assert "a step may print" in planned.stderr


@contextmanager
def _started(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [AIRFLOW, "media", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _wait_for(there: Any, process: subprocess.Popen[str], *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing was made"
        time.sleep(0.1)


def _planned(**counts: int) -> dict[str, int]:
    return {"run": 0, "present": 0, "blocked": 0, **counts}


def _ran(**counts: int) -> dict[str, int]:
    return {"done": 0, "present": 0, "failed": 0, "blocked": 0, **counts}
