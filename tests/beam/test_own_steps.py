"""Steps that live in the user's own package: a function, and a PTransform."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from beam_jobs.contract.report import Status
from tests.beam.jobs import JobFolder

OWN_PACKAGE = '''
import apache_beam as beam

from beam_jobs.contract.step import Step, StepInput, StepParams, step

TEXT = (StepInput(name="text"),)


class LoudParams(StepParams):
    mark: str = "!"


@step("loud", version="3", makes=".json", takes=TEXT, params=LoudParams)
def loud(call, params):
    """Say it louder."""
    return {"said": call.path("text").read_text().upper() + params.mark}


def read(pair, mark):
    item, uris = pair
    with open(uris["text"].removeprefix("file://")) as file:
        text = file.read()
    if text == "raise":
        raise ValueError("not this one")
    if text == "nothing":
        return []
    if text == "stranger":
        return [("nobody", {}), (item, {"said": text})]
    return [(item, {"said": text + mark})] * (2 if text == "twice" else 1)


def one_by_one(params):
    return beam.FlatMap(read, mark=params.mark)


def in_batches(params):
    return beam.Map(lambda pair: (0, pair)) | beam.GroupIntoBatches(2) | beam.FlatMap(_batch)


def _batch(batch):
    return [(item, {"of": len(batch[1])}) for item, _ in batch[1]]


chant = Step(name="chant", version="1", makes=".json", takes=TEXT, params=LoudParams, transform=one_by_one)
batches = Step(name="batches", version="1", makes=".json", takes=TEXT, transform=in_batches)
'''


@pytest.fixture
def own(job: JobFolder, tmp_path: Path) -> JobFolder:
    """A job beside a package of the user's own, which only the import path knows."""
    package = tmp_path / "site" / "my_team"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "steps.py").write_text(OWN_PACKAGE)
    return job


def _run(job: JobFolder, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "beam_jobs.run", job.write()], cwd=tmp_path, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_function_of_ones_own_package_runs_by_its_dotted_path(own: JobFolder, tmp_path: Path) -> None:
    own.changes = {"step": "my_team.steps:loud", "params": {"mark": "?"}}
    own.add("hello")
    _run(own, tmp_path)
    assert own.rows()["hello"].status == Status.DONE
    assert own.artifact("hello") == {"said": "HELLO?"}


def test_a_transform_is_a_step_too_and_each_item_has_its_row(own: JobFolder, tmp_path: Path) -> None:
    own.changes = {"step": "my_team.steps:chant"}
    own.add("hello", "ä ö", "raise", "nothing", "twice", "stranger", "there")
    own.list("absent", "..")
    (own.path / "out").mkdir()
    (own.path / "out/there.json").write_text("{}")
    _run(own, tmp_path)
    rows = own.rows()
    assert {item: row.status for item, row in rows.items()} == {
        "hello": "done", "ä ö": "done", "stranger": "done", "there": "present", "absent": "blocked",
        "raise": "failed", "nothing": "failed", "twice": "failed", "..": "failed",
    }  # fmt: skip
    assert (rows["raise"].error_class, rows["raise"].stage) == ("ValueError", "step")
    assert "item 'raise': " in rows["raise"].message
    assert "not this one" in rows["raise"].message
    assert rows["nothing"].error_class == rows["twice"].error_class == "StepResultError"
    assert own.artifact("ä ö") == {"said": "ä ö!"}
    assert set(own.artifacts()) == {"hello.json", "ä ö.json", "there.json", "stranger.json"}
    assert own.summary()["beam_metrics"]["counters"]["items_done"] == 3


def test_a_composite_transform_may_batch_its_items(own: JobFolder, tmp_path: Path) -> None:
    own.changes = {"step": "my_team.steps:batches"}
    own.add("a", "b", "c", "d")
    _run(own, tmp_path)
    assert {row.status for row in own.rows().values()} == {Status.DONE}
    assert {own.artifact(item)["of"] for item in "abcd"} <= {1, 2}
