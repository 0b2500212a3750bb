"""Disks that are full or read-only, each a small file system of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from beam_jobs.contract.report import ReportRow
from tests import samples
from tests.beam.jobs import PROJECT, JobFolder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    """Skip where no mount namespace can be had."""
    probe = subprocess.run(_inside("true"), capture_output=True, text=True, check=False)
    if probe.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {probe.stderr.strip()}")


def _inside(*argv: str, options: str = "size=64k", at: str = "/mnt") -> list[str]:
    """Return a command that runs ``argv`` where a tmpfs of its own is mounted, which goes with it."""
    script = f'mount -t tmpfs -o {options} tmpfs "$0" && exec "$@"'
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", script, at, *argv]


def _run(job: JobFolder, options: str) -> tuple[dict[str, ReportRow], list[str]]:
    """Run ``job`` with its output on the small disk; return its rows and what lies there at the end."""
    out = job.path / "out"
    out.mkdir(parents=True)
    command = f'"{sys.executable}" -m beam_jobs.run "{job.write()}" >&2; echo code $?; find "{out}" -type f'
    argv = _inside("sh", "-c", command, at=str(out), options=options)
    done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    code, *files = done.stdout.splitlines()
    assert code == "code 0", done.stderr
    return job.rows(), [os.path.relpath(file, out) for file in files]


def test_a_full_disk_fails_the_items_that_do_not_fit_and_leaves_nothing_of_them(job: JobFolder) -> None:
    folder = job.path / "in"
    job.changes = {
        "step": "downsample", "params": {"sample_rate": 22050, "channels": 1, "format": "wav"},
        "inputs": {"audio": f"{folder}/{{item}}.wav"}, "output": f"{job.path}/out/{{item}}.wav",
        "concurrency": 1,  # a large one on its way would leave no room for the small one beside it
    }  # fmt: skip
    for item, seconds in (("large", 10), ("small", 0.1), ("large too", 8)):
        samples.write_audio(folder / f"{item}.wav", samples.noise(seconds))
        job.list(item)
    rows, files = _run(job, "size=64k")
    assert {item: row.status for item, row in rows.items()} == {
        "large": "failed", "large too": "failed", "small": "done",
    }  # fmt: skip
    assert {rows[item].error_class for item in ("large", "large too")} == {"StorageError"}
    assert "'large'" in rows["large"].message
    assert "No space left" in rows["large"].message
    assert "free space and run again" in rows["large"].message
    assert files == ["small.wav"]


def test_a_read_only_output_fails_each_item_with_what_to_do(job: JobFolder) -> None:
    job.add("a", "b/c")
    rows, files = _run(job, "size=64k,ro")
    assert [row.status for row in rows.values()] == ["failed", "failed"]
    for item, row in rows.items():
        assert (row.error_class, row.stage, row.uri) == ("StorageError", "write", "")
        assert repr(item) in row.message
        assert "read-only; make it writable or change the output" in row.message
    assert files == []


def test_a_full_disk_under_the_report_ends_the_job_with_a_sentence(job: JobFolder) -> None:
    job.add(*(f"item-{number}" for number in range(400)), text="x")
    report = job.path / "report"
    report.mkdir()
    argv = _inside(sys.executable, "-m", "beam_jobs.run", job.write(), at=str(report), options="size=16k")
    done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("could not run")
    assert "No space left" in last
