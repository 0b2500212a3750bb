"""What becomes of each item, whatever its step does: one row, and an artifact only when all went well."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from beam_jobs.contract.report import Status
from tests.beam.jobs import JobFolder

GONE_WRONG = {
    # what the step does: (error class, stage, a part of the message)
    "raise": ("ValueError", "step", "does not like this one (raised at steps_for_tests.py"),
    "undecodable": ("UndecodableMedia", "decode", "not media"),
    "none": ("StepResultError", "encode", "returned nothing"),
    "garbage": ("StepResultError", "encode", "returned a object"),
    "text": ("StepResultError", "encode", "returned a str"),
    "nan": ("StepResultError", "encode", "not JSON"),
    "elsewhere": ("StepResultError", "encode", "call.output"),
    "unwritten": ("StepResultError", "encode", "wrote no file"),
    "empty": ("StepResultError", "encode", "empty"),
    "empty-file": ("StepResultError", "encode", "empty"),
    "hang": ("StepTimeout", "step", "did not end within 6 s"),
    "hang-native": ("StepTimeout", "step", "did not end within 6 s"),
    "exit": ("StepCrashed", "step", "exit code 7"),
    "half-file": ("StepCrashed", "step", "exit code 3"),
    "sys-exit": ("SystemExit", "step", "sys-exit"),
    "segfault": ("StepCrashed", "step", "SIGSEGV"),
    "hog": ("MemoryError", "step", "out of memory"),
}
GONE_WELL = {
    "happy": b'{"item": "happy", "word": "happy"}\n',
    "list": b"[2, 1]\n",
    "bytes": b"raw",
    "own-file": b"own",
    "shout": b'{"word": "shout"}\n',
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    job = JobFolder(tmp_path_factory.mktemp("outcomes"))
    job.changes = {"limits": {"timeout_s": 6, "memory_mb": 500}, "concurrency": 2}
    job.add(*GONE_WRONG, *GONE_WELL, "array")
    job.run()
    return job


@pytest.mark.parametrize("what", GONE_WRONG)
def test_a_step_that_goes_wrong_costs_its_own_item_and_says_how(outcome: JobFolder, what: str) -> None:
    row = outcome.rows()[what]
    error_class, stage, words = GONE_WRONG[what]
    assert (row.status, row.error_class, row.stage) == (Status.FAILED, error_class, stage)
    assert words in row.message
    assert f"item {what!r}" in row.message
    assert row.uri == ""


def test_the_others_are_done_and_nothing_unfinished_is_left(outcome: JobFolder) -> None:
    artifacts = outcome.artifacts()
    assert artifacts.pop("array.json").startswith(b"\x93NUMPY")
    assert artifacts == {f"{item}.json": content for item, content in GONE_WELL.items()}
    for item, content in GONE_WELL.items():
        row = outcome.rows()[item]
        assert (row.status, row.bytes_out) == (Status.DONE, len(content))
        assert row.uri == f"file://{outcome.path}/out/{item}.json"


def test_rows_carry_what_the_item_took(outcome: JobFolder) -> None:
    row = outcome.rows()["happy"]
    assert set(row.seconds) == {"fetch", "step", "encode", "write"}
    assert set(row.cpu_seconds) == {"step", "encode"}
    assert (row.bytes_in, row.media_seconds) == (5, 2.0)
    assert outcome.rows()["hang"].seconds["step"] >= 6


def test_the_summary_adds_the_rows_up(outcome: JobFolder) -> None:
    summary, rows = outcome.summary(), outcome.rows().values()
    done, failed = len(GONE_WELL) + 1, len(GONE_WRONG)
    assert summary["counts"] == {
        "done": done, "failed": failed, "present": 0, "blocked": 0, "quarantined": 0, "pinged": 0,
    }  # fmt: skip
    assert summary["errors"]["StepCrashed"] == 3
    assert summary["bytes_out"] == sum(row.bytes_out for row in rows)
    step_seconds = sum(row.seconds.get("step", 0) for row in rows)
    assert summary["seconds"]["step"] == pytest.approx(step_seconds, abs=0.01)
    assert summary["process_cpu_seconds"]["steps"] > 0
    metrics = summary["beam_metrics"]
    assert metrics["counters"]["items_done"] == done
    assert metrics["counters"]["items_failed"] == failed
    assert metrics["distributions"]["step_ms"]["count"] == done + failed
    assert metrics["distributions"]["media_seconds"]["max"] == 2


def test_an_existing_artifact_is_kept(job: JobFolder) -> None:
    job.add("a", "b")
    job.run()
    (job.path / "out/a.json").write_text("mine")
    job.path.joinpath("out/b.json").unlink()
    rows = job.run()
    assert {item: row.status for item, row in rows.items()} == {"a": "present", "b": "done"}
    assert (rows["a"].bytes_out, rows["a"].uri) == (4, f"file://{job.path}/out/a.json")
    assert job.artifacts()["a.json"] == b"mine"


def test_a_forced_item_is_made_again_unless_this_run_made_it(job: JobFolder) -> None:
    job.add("old", "young", force=True)
    planned = datetime.now(UTC)
    job.changes = {"redo_before": planned.isoformat()}
    out = job.path / "out"
    out.mkdir(parents=True)
    for name, age in (("old", timedelta(hours=1)), ("young", timedelta(hours=-1))):
        (out / f"{name}.json").write_text("before")
        instant = (planned - age).timestamp()
        os.utime(out / f"{name}.json", (instant, instant))
    rows = job.run()
    assert {item: row.status for item, row in rows.items()} == {"old": "done", "young": "present"}
    assert job.artifact("old")["word"] == "old"
    assert job.artifacts()["young.json"] == b"before"


def test_an_absent_input_blocks_its_item_and_names_who_makes_it(job: JobFolder) -> None:
    job.list("nowhere")
    job.changes = {"needs": {"text": "transcribe"}}
    row = job.run()["nowhere"]
    assert (row.status, row.error_class) == (Status.BLOCKED, "")
    assert row.message.startswith("parent-failed: item 'nowhere': input 'text' is not at file://")
    assert "job 'transcribe'" in row.message
    job.changes = {"needs": {"text": "source"}}
    assert job.run()["nowhere"].message.startswith("source-missing: ")


def test_a_pinged_item_is_only_traced(job: JobFolder) -> None:
    job.add("a", ping=True)
    job.list("absent", ping=True)
    rows = job.run()
    assert [row.status for row in rows.values()] == ["pinged", "pinged"]
    assert job.artifacts() == {}


def test_a_pinged_job_does_no_work_at_all(job: JobFolder) -> None:
    job.add("a")
    job.changes = {"ping": True}
    assert job.run()["a"].status == Status.PINGED
    assert job.artifacts() == {}


def test_ids_that_are_no_paths_and_lines_that_are_no_rows_fail_alone(job: JobFolder) -> None:
    job.add("fine")
    job.list("../escape", "a\nb", "", "x" * 300)
    job.lines += ["not json", "{}", '{"item": 5}', '{"item": "\\ud800"}']
    rows = job.run()
    assert len(rows) == len(job.lines)
    assert rows.pop("fine").status == Status.DONE
    assert {row.status for row in rows.values()} == {Status.FAILED}
    assert {row.error_class for row in rows.values()} <= {"InvalidItemId", "InvalidSpec"}
    assert not (job.path / "escape.json").exists()
    assert set(job.artifacts()) == {"fine.json"}


def test_odd_but_valid_ids_keep_their_names(job: JobFolder) -> None:
    ids = ["a b", "ä/ö/音", "100%2Fone", "quote'\"", "[x]*?", "tab-less\u2028line", "-rf", "x" * 190]
    job.add(*ids, text="happy")
    rows = job.run()
    assert {item: row.status for item, row in rows.items()} == dict.fromkeys(ids, "done")
    assert set(job.artifacts()) == {f"{item}.json" for item in ids}
    assert job.artifact("ä/ö/音")["item"] == "ä/ö/音"


def test_two_items_at_a_time_use_two_processes(job: JobFolder) -> None:
    job.changes = {"params": {"seconds": 1.5}, "concurrency": 2}
    job.add(*(f"i{number}" for number in range(4)))
    job.run()
    summary = job.summary()
    assert summary["seconds"]["step"] >= 6
    # Two at once take less time than the sum of both.
    assert summary["wall_seconds"]["items"] < summary["seconds"]["step"]


def test_an_empty_manifest_gives_an_empty_report(job: JobFolder) -> None:
    assert job.run() == {}
    assert sum(job.summary()["counts"].values()) == 0
