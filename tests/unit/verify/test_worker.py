"""The worker's interpreter."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from airflow_media_provider.registry import media_registry
from airflow_media_provider.runs.verify.worker import check_worker


def steps(*names: str):
    jobs = {f"job{n}": {"step": name, "needs": ["source"]} for n, name in enumerate(names)}
    return media_registry(root="/r", source="/songs/{item}.ogg", jobs=jobs)


def interpreter(tmp_path: Path, body: str) -> str:
    """Write a program that stands for an interpreter."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.beam
def test_every_step_is_warmed_up_where_it_will_run(tmp_path, monkeypatch):
    (tmp_path / "lacking.py").write_text(
        "from beam_jobs.contract.step import step\n"
        "def warm_up():\n    import no_such_package\n"
        "@step('own', version='1', makes='.json', warm_up=warm_up)\n"
        "def own(call, params): ...\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    beam, lacking, loudness, absent = check_worker(
        steps("loudness", "lacking:own", "nowhere:own"), sys.executable
    )
    assert (beam.state, loudness.state) == ("ok", "ok")
    assert (lacking.state, lacking.detail) == (
        "missing",
        "ModuleNotFoundError: No module named 'no_such_package'",
    )
    assert lacking.fix == f"install what it imports for {sys.executable}"
    assert absent.state == "missing"
    assert "nowhere" in absent.detail


def test_an_interpreter_that_is_not_there_is_told():
    (fault,) = check_worker(steps("loudness"), "/no/such/python")
    assert fault.state == "missing"
    assert "--python" in fault.fix


def test_an_interpreter_without_beam_is_told(tmp_path):
    python = interpreter(tmp_path, f'exec {sys.executable} -S -E "$@"')
    (fault,) = check_worker(steps("loudness"), python)
    assert fault.state == "missing"
    assert fault.fix == f"{python} -m pip install 'airflow-media-provider[worker]'"


def test_an_interpreter_that_dies_is_told(tmp_path):
    python = interpreter(tmp_path, "echo no memory >&2; exit 3")
    (fault,) = check_worker(steps("loudness"), python)
    assert (fault.state, fault.detail) == ("wrong", "it ended with 3: no memory")
