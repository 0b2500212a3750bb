"""No two living processes share a folder of compiled code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CLAIM = (
    "import os, sys\n"
    "from beam_jobs.isolation.compiled import claim_cache\n"
    "print(claim_cache(), os.environ.get('NUMBA_CACHE_DIR'), flush=True)\n"
    "sys.stdin.read()\n"
)


def _claim(**env: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIM], env={**os.environ, **env}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    folder, told = process.stdout.readline().split()
    assert folder == told
    return process, folder


def _end(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("variable", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME"])
def test_each_living_process_has_a_folder_of_its_own_and_the_next_takes_a_free_one_over(
    tmp_path: Path, variable: str
) -> None:
    env = {"NUMBA_CACHE_DIR": "", variable: str(tmp_path)}
    first, its = _claim(**env)
    second, others = _claim(**env)
    assert its != others
    assert all(Path(folder).is_relative_to(tmp_path) for folder in (its, others))
    _end(first)
    third, again = _claim(**env)
    assert again == its
    _end(second, third)


def test_where_no_folder_can_be_made_all_goes_on_without(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    env = {**os.environ, "NUMBA_CACHE_DIR": str(blocked)}
    done = subprocess.run(
        [sys.executable, "-c", CLAIM], env=env, input="", capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["None", str(blocked)]
