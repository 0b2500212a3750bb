"""How the tests start their servers, looked at from another process: theirs must not be at risk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.waiting import wait_until

PROJECT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="setpriv and vfork are Linux's")

STARTER = """
import os, sys
from pathlib import Path
from tests.airflow_env.processes import start_process

os.register_at_fork(before=lambda: print("forked", flush=True))
started = start_process(["sleep", "300"], log=Path(sys.argv[1]), env=os.environ, cwd=Path("/"))
print(started.pid, flush=True)
input()
os._exit(1)
"""


def test_a_server_is_started_without_fork_handlers_and_ends_with_its_starter(tmp_path: Path):
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path / "log")],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with starter:
        assert starter.stdin is not None
        assert starter.stdout is not None
        said = starter.stdout.readline()
        assert said != "forked\n", "gRPC's fork handlers would run, too, and may wait for ever"
        server = psutil.Process(int(said))
        wait_until(lambda: server.name() == "sleep", what="setpriv starts nothing", every=0.05)
        starter.stdin.write("\n")
    wait_until(lambda: not server.is_running(), what="the server outlived its starter", every=0.05)
