"""What the continuous integration's command says when a machine lacks what some tests want."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NEEDED = ("bash", "dirname", "env", "grep", "id", "mktemp", "readlink", "rm", "sh", "tail", "timeout")


@pytest.fixture
def machine(tmp_path):
    """A copy of the command on a machine that has next to nothing."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    (tmp_path / "bin").mkdir()
    for name in NEEDED:
        found = shutil.which(name)
        assert found
        (tmp_path / "bin" / name).symlink_to(found)
    program(tmp_path, "make", 'echo "make $*"')
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "real_songs.sh").write_text("echo apt-get is needed >&2; exit 1")
    return tmp_path


def program(machine, name, does):
    path = machine / "bin" / name
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)


def run(machine):
    done = subprocess.run(
        [machine / ".ci" / "run"], env={"PATH": str(machine / "bin")}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_machine_without_anything_says_so_in_a_line_each_and_tests_all_the_same(machine):
    azurite, bigquery, songs, made = run(machine)
    assert azurite.startswith("no Azurite, so tests that want it skip: ")
    assert "npm" in azurite
    assert bigquery.startswith("no bqemulator, so tests that want it skip: ")
    assert "python3" in bigquery
    assert songs == "no real songs, so tests that want it skip: apt-get is needed"
    assert made == "make test"


def test_the_reason_is_the_line_with_the_error(machine):
    program(machine, "npm", "echo npm error code ENOTFOUND; echo A log is in /tmp; exit 1")
    program(machine, "python3", "exit 1")
    azurite, bigquery, *_ = run(machine)
    assert azurite.endswith(": npm error code ENOTFOUND")
    assert bigquery.endswith(": no word of why")


def test_where_all_is_there_nothing_is_said(machine):
    program(machine, "azurite-blob", "exit 0")
    (machine / ".bigquery" / "bin").mkdir(parents=True)
    shutil.copy(machine / "bin" / "make", machine / ".bigquery" / "bin" / "bqemulator")
    (machine / "scripts" / "real_songs.sh").write_text("echo Get:1 music; exit 0")
    assert run(machine) == ["make test"]
