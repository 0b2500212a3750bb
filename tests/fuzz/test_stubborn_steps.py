"""Whatever the process of a step does to stay, to multiply or to be heard: its item is lost, and no other."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from beam_jobs.contract.launch import Limits
from beam_jobs.contract.report import Status
from tests.beam.jobs import PROJECT, JobFolder

STUBBORN = "tests.fuzz.stubborn_steps:stubborn"

LINE_LOST = "StepCrashed or StepTimeout"
"""By whether a process that an earlier item left behind still holds the line open."""

DEEDS = {
    # what the step does: (error class, a part of the message); "" for an item that is done
    "ignore-signals hang": ("StepTimeout", "was killed"),
    "start hang": ("StepTimeout", "was killed"),
    "start": ("", ""),
    "start-session hang": ("StepTimeout", "was killed"),
    "start-session segfault": ("StepCrashed", "SIGSEGV"),
    "start-session": ("", ""),
    "daemonise hang": ("StepTimeout", "was killed"),
    "daemonise": ("", ""),
    "fork": ("", ""),
    "litter": ("", ""),
    "litter hang": ("StepTimeout", "was killed"),
    "litter segfault": ("StepCrashed", "SIGSEGV"),
    "babble": ("StepCrashed", "no outcome"),
    "babble hang": ("StepCrashed", "no outcome"),
    "forge": ("StepCrashed", "no outcome"),
    "close-all": (LINE_LOST, ""),
    "close-all hang": (LINE_LOST, ""),
    "eat": ("MemoryError", "raise the job's memory_mb"),
    "eat-natively": ("MemoryError", "raise the job's memory_mb"),
    "recurse": ("StepCrashed", ""),
    "read-input": ("", ""),
    "good": ("", ""),
}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, scratch: Path) -> JobFolder:
    job = JobFolder(tmp_path_factory.mktemp("stubborn"))
    job.changes = {"step": STUBBORN, "limits": {"timeout_s": 10, "memory_mb": 700}, "concurrency": 3}
    for deed in DEEDS:
        job.add(f"{deed} 1", text=deed)
    job.add(*(f"fine {number}" for number in range(20)), text="good")
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(scratch)
    try:
        process = job.start()
        _, log = process.communicate(timeout=200)
    finally:
        os.environ.pop("TMPDIR") if before is None else os.environ.update(TMPDIR=before)
    assert process.returncode == 0, log
    return job


@pytest.mark.parametrize("deed", DEEDS)
def test_a_stubborn_item_has_one_row(outcome: JobFolder, deed: str) -> None:
    row = outcome.rows()[f"{deed} 1"]
    error_class, words = DEEDS[deed]
    assert row.status == ("failed" if error_class else "done"), row.message
    assert row.error_class in error_class.split(" or "), row.message
    assert words in row.message


def test_the_others_are_done(outcome: JobFolder) -> None:
    rows = outcome.rows()
    assert len(rows) == len(DEEDS) + 20
    assert {rows[f"fine {number}"].status for number in range(20)} == {Status.DONE}


@pytest.mark.skipif(sys.platform != "linux", reason="a process is found by its environment in /proc")
def test_nothing_that_a_step_started_lives_on(outcome: JobFolder) -> None:
    pids = {path.stem: int(path.read_text()) for path in (outcome.path / "in").glob("*.pid")}
    assert len(pids) >= 7
    alive = {
        name: pid
        for name, pid in pids.items()
        if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    }
    assert alive == {}


def test_temporary_files_and_drafts_are_gone(outcome: JobFolder, scratch: Path) -> None:
    places = [Path(path.read_text()) for path in (outcome.path / "in").glob("*.place")]
    assert len(places) == 3
    assert all(scratch in place.parents for place in places)
    assert list(scratch.iterdir()) == []
    assert [name for name in outcome.artifacts() if ".tmp-" in name] == []


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
def test_a_step_that_fills_the_disk_with_temporary_files_leaves_room_for_the_next(
    job: JobFolder, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    script = 'mount -t tmpfs -o size=8m tmpfs "$0" && TMPDIR="$0" exec "$@"'
    alone = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, str(small)]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    job.changes = {"step": STUBBORN, "concurrency": 1}
    for number in range(3):
        job.add(f"fill {number}", text="fill" + " " * 20)  # the biggest is the first
        job.add(f"file {number}", text="use-file" + " " * (10 - number))
    argv = [*alone, sys.executable, "-m", "beam_jobs.run", job.write()]
    subprocess.run(argv, cwd=PROJECT, capture_output=True, timeout=120, check=True)
    rows = job.rows()
    for number in range(3):
        assert (rows[f"fill {number}"].status, rows[f"fill {number}"].error_class) == (
            "failed",
            "StorageError",
        )
        assert "free space" in rows[f"fill {number}"].message
        assert rows[f"file {number}"].status == "done"


def test_an_item_that_eats_memory_is_lost_without_a_limit_being_set(job: JobFolder) -> None:
    limit = Limits().memory_mb
    assert limit is not None
    job.changes = {"step": STUBBORN, "concurrency": 1}
    job.add("eat")
    job.add("good")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # of all tests until now
    started = time.monotonic()
    rows = job.run()
    assert (rows["eat"].error_class, rows["good"].status) == ("MemoryError", Status.DONE)
    assert time.monotonic() - started < 300
    assert job.summary()["process_peak_mb"]["steps"] < max(limit + 500, before + 1)


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc")
def test_a_limit_below_ours_that_the_system_sets_is_kept(tmp_path: Path) -> None:
    code = (
        "import resource; from beam_jobs.isolation.death import limit_memory\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); limit_memory(4096)\n"
        "print(resource.getrlimit(resource.RLIMIT_AS))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str((1 << 30, 1 << 30))


def test_a_process_that_dies_leaves_no_image_of_itself() -> None:
    code = (
        "import resource; from beam_jobs.isolation.death import leave_no_core; leave_no_core()\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
    assert resource.getrlimit(resource.RLIMIT_CORE)
