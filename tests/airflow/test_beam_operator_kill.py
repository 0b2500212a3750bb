"""A task that is killed leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.integration.songs import make_songs
from tests.waiting import wait_until

pytestmark = [pytest.mark.airflow, pytest.mark.beam]

PROJECT = Path(__file__).resolve().parents[2]

REGISTRY = """
version: 1
root: file://{folder}/artifacts
source: {{uri: "file://{folder}/songs/{{item}}.ogg"}}
jobs:
  slow: {{step: "tests.integration.steps:slow", needs: [source], params: {{seconds: 3}}}}
"""

DAG = """
from airflow.sdk import DAG
from airflow_media_provider.operators.media import MediaBeamOperator, MediaPlanOperator

with DAG("killed", schedule=None):
    plan = MediaPlanOperator(task_id="plan", registry={registry!r}, prefix="a*")
    plan >> MediaBeamOperator(task_id="run", job="slow", plan=plan.output["plan"])
"""

SCRIPT = """
import sys
from pathlib import Path
from tests.airflow.runs import run_dag
run = run_dag(Path(sys.argv[1]), "killed")
print("STATE", run.states["run"])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_task_leaves_no_worker(catalog, dag_folder, number):
    folder = catalog.folder
    (folder / "slow.yaml").write_text(REGISTRY.format(folder=folder))
    make_songs(catalog.songs, [f"a{number}" for number in range(12)])
    path = dag_folder / "killed.py"
    path.write_text(DAG.format(registry=f"{folder}/slow.yaml"))
    env = {**os.environ, "MEDIA_TEST_FOLDER": str(folder), "PYTHONPATH": str(PROJECT)}
    task = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path)], env=env, cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    try:
        wait_until((folder / "diary.txt").exists, what="no item was begun")
        assert len(processes(folder)) > 2, "the task, its worker, the worker's child"

        task.send_signal(number)
        said, _ = task.communicate(timeout=180)

        wait_until(lambda: not processes(folder), what="a process lives on")
        if number == signal.SIGTERM:
            assert "STATE failed" in said
    finally:
        task.kill()
        task.wait()
        path.unlink()


def processes(folder: Path) -> list[psutil.Process]:
    """Return the processes of this test that run."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("MEDIA_TEST_FOLDER") == str(folder):
                found.append(process)
    return found
