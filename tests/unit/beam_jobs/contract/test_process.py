"""A process is known by its number and its start."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from beam_jobs.contract import process
from beam_jobs.contract.process import place, started

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the system says nothing of its processes")


def test_a_process_is_there_until_it_has_ended_even_before_anybody_looked():
    child = subprocess.Popen(["sleep", "60"])
    begun = started(child.pid)
    assert begun is not None
    assert int(begun) >= int(started(os.getpid()) or 0)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and still in the table
    assert started(child.pid) is None
    child.wait()
    assert started(child.pid) is None


def test_a_process_that_the_system_hides_is_there_until_it_has_ended(monkeypatch, tmp_path):
    child = subprocess.Popen(["sleep", "60"])
    monkeypatch.setattr(process, "_PROC", tmp_path)
    assert started(child.pid) == ""
    child.kill()
    child.wait()
    assert started(child.pid) is None


def test_a_process_of_another_user_that_the_system_hides_is_there(monkeypatch, tmp_path):
    def refuse(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(process, "_PROC", tmp_path)
    monkeypatch.setattr(os, "kill", refuse)
    assert started(1) == ""


def test_processes_of_one_machine_are_in_one_place():
    code = "from beam_jobs.contract.process import place; print(place())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == place() != ""
