"""A whole process of the worker: several specs, who ends it, and what it does when it is started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from airflow_media_provider.storage.store import is_temporary
from beam_jobs.contract.events import decode_event
from beam_jobs.contract.manifest import ManifestRow, encode_row
from beam_jobs.contract.report import Status
from tests.beam.jobs import PROJECT, JobFolder
from tests.waiting import wait_until

DIARY = "tests.beam.steps_for_tests:diary"


def _in_diary(job: JobFolder) -> list[str]:
    path = job.path / "diary"
    return path.read_text().split() if path.exists() else []


def _made(job: JobFolder) -> set[str]:
    """Return the items whose artifacts are there, leaving out unfinished files."""
    return {path.stem for path in (job.path / "out").glob("*.json") if not is_temporary(path.name)}


def _diary_job(path: Path, items: int, seconds: float) -> JobFolder:
    job = JobFolder(path)
    params = {"diary": str(path / "diary"), "seconds": seconds}
    job.changes = {"step": DIARY, "params": params, "concurrency": 2}
    job.add(*(f"i{number:03}" for number in range(items)))
    return job


@pytest.mark.parametrize("who", ["the worker", "its group"])
def test_a_killed_job_leaves_no_process_and_started_again_does_nothing_twice(
    tmp_path: Path, who: str
) -> None:
    job = _diary_job(tmp_path / "job", items=40, seconds=0.15)
    process = job.start(new_session=True)
    wait_until(lambda: len(_made(job)) >= 4, what="no artifacts were made", every=0.02)
    family = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    assert family
    if who == "the worker":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    wait_until(
        lambda: not any(psutil.pid_exists(pid) for pid in family), what="the children's end", every=0.02
    )
    made = _made(job)
    assert 4 <= len(made) < 40
    first = _in_diary(job)
    rows = job.run()
    second = _in_diary(job)[len(first) :]
    assert not made & set(second)
    assert sorted([*made, *second]) == sorted(rows)
    assert {item for item, row in rows.items() if row.status == Status.PRESENT} == made
    assert {row.status for row in rows.values()} == {Status.PRESENT, Status.DONE}
    assert set(job.artifacts()) == {f"{item}.json" for item in rows}, "unfinished files are left"


def test_a_worker_dies_with_the_parent_that_it_was_told(tmp_path: Path) -> None:
    job = _diary_job(tmp_path / "job", items=50, seconds=0.5)
    script = (
        "import subprocess, sys, os, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'beam_jobs.run', sys.argv[1], '--parent',"
        " str(os.getpid())])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, job.write()], cwd=PROJECT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert parent.stdout is not None
    worker = psutil.Process(int(parent.stdout.readline()))
    wait_until(lambda: bool(_in_diary(job)), what="no item was begun", every=0.02)
    family = [worker, *worker.children(recursive=True)]
    assert len(family) > 1
    parent.kill()
    parent.communicate(timeout=30)
    gone, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
    assert len(gone) == len(family)


def test_specs_run_one_after_the_other_and_one_that_cannot_run_stops_no_other(tmp_path: Path) -> None:
    parent, child = JobFolder(tmp_path / "a"), JobFolder(tmp_path / "b")
    parent.add("x", "y", "raise")
    child.list("x", "y", "raise")
    child.changes = {
        "job": "child", "needs": {"text": "mood"},
        "inputs": {"text": f"file://{parent.path}/out/{{item}}.json"},
    }  # fmt: skip
    broken = tmp_path / "broken.json"
    broken.write_text('{"job": 3}')
    specs = [parent.write(), str(broken), str(tmp_path / "absent.json"), child.write()]
    done = subprocess.run(
        [sys.executable, "-m", "beam_jobs.run", *specs],
        cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"could not run {broken}: launch spec {broken}: run_id: Field required" in done.stderr
    assert "absent.json" in done.stderr
    assert {item: row.status for item, row in child.rows().items()} == {
        "x": "done", "y": "done", "raise": "blocked",
    }  # fmt: skip
    assert "parent-failed" in child.rows()["raise"].message
    events = [event for line in done.stdout.splitlines() if (event := decode_event(line)) is not None]
    finished = [event for event in events if event["event"] == "finished"]
    assert [event["job"] for event in finished] == ["mood", "child"]
    assert finished[0]["counts"]["done"] == 2
    assert [event["total"] for event in events if event["event"] == "progress"][-1] == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"step": "downsampel"}, "did you mean 'downsample'?"),
        ({"step": "no.such.module:step"}, "cannot import 'no.such.module'"),
        ({"step": "tests.beam.jobs:JobFolder"}, "name a function decorated with"),
        ({"params": {"secnods": 1}}, "params.secnods: Extra inputs are not permitted"),
        ({"manifest": "/nowhere/manifest.jsonl"}, "manifest /nowhere/manifest.jsonl does not exist"),
        ({"total": 5}, "has 1 rows, but the launch spec names 5 items"),
    ],
)
def test_a_job_that_cannot_run_ends_with_one_sentence(
    job: JobFolder, capfd: pytest.CaptureFixture[str], changes: dict[str, object], words: str
) -> None:
    from beam_jobs.run import main

    job.add("a")
    job.changes = changes
    assert main([job.write()]) == 2
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("could not run")
    assert words in last


def test_a_second_run_makes_its_report_anew(job: JobFolder) -> None:
    job.add("a", "b")
    job.run()
    job.lines = [encode_row(ManifestRow(item="b"))]
    assert set(job.run()) == {"b"}
    assert job.summary()["counts"]["present"] == 1


def test_ten_thousand_items_have_a_row_each(job: JobFolder) -> None:
    job.add("done")
    (job.path / "in" / "shared.txt").write_text("shared")
    job.list(*(f"missing/{number:05}" for number in range(9_000)))
    out = job.path / "out" / "present"
    out.mkdir(parents=True)
    for number in range(1_000):
        (out / f"{number}.json").write_text("{}")
        job.list(f"present/{number}")
    rows = job.run()
    assert len(rows) == 10_001
    counts = job.summary()["counts"]
    assert (counts["done"], counts["present"], counts["blocked"]) == (1, 1_000, 9_000)
