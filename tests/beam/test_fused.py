"""Jobs done together make what they make alone: the same artifacts and rows, with each file read once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_media_provider.registry import load_registry
from airflow_media_provider.registry.groups import JobGroup
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runners.launch import LaunchResult
from airflow_media_provider.runs import here
from airflow_media_provider.runs.here import RunResult, plan_and_save, run_here
from airflow_media_provider.runs.request import parse_request
from airflow_media_provider.runs.rows import report_rows
from airflow_media_provider.storage import Stores
from beam_jobs.run import main
from tests.integration.songs import make_songs, spoil

JOBS = """
version: 1
name: features
root: {root}
source: {{uri: "{songs}/{{item}}.ogg"}}
jobs:
  downsample: {{step: downsample, needs: [source], resources: {{concurrency: 1}}}}
  loudness: {{step: loudness, needs: [source], resources: {{concurrency: 1}}}}
  beats: {{step: beat_tracking, needs: [downsample], resources: {{concurrency: 1}}}}
  energy: {{step: energy, needs: [downsample, beats], resources: {{concurrency: 1}}}}
  spectral: {{step: spectral, needs: [source], resources: {{concurrency: 1}}}}
"""
MOODS = """
version: 1
name: moods
root: {root}
source: {{uri: "{songs}/{{item}}.txt"}}
jobs:
  first: {{step: "tests.beam.steps_for_tests:mood", needs: [source], resources: {{timeout_s: 6}}}}
  second: {{step: "tests.beam.steps_for_tests:calm", needs: [source]}}
  third: {{step: "tests.beam.steps_for_tests:calm", needs: [first]}}
"""
WORDS = MOODS.replace("tests.beam.steps_for_tests:mood", "tests.beam.steps_for_tests:calm")
Run = Callable[..., RunResult]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Plan and run the jobs of a registry in this process, in folders of their own, fused or not."""
    monkeypatch.setattr(
        here, "launch", lambda specs, **_: LaunchResult(exit_code=main(list(specs)), last_line="")
    )
    number = iter(range(100))

    def run(registry: str, *items: str, fuse: bool, **request: object) -> RunResult:
        path = tmp_path / f"{fuse}.yaml"
        path.write_text(registry.format(root=tmp_path / f"fused-{fuse}", songs=tmp_path / "songs"))
        graph = load_registry(str(path))
        graph = replace(graph, groups={"g": JobGroup(name="g", jobs=graph.order, fuse=fuse)})
        stores = Stores()
        asked = parse_request({"items": items, **request})
        plan = plan_and_save(graph, asked, stores=stores, run_id=f"run-{next(number)}")
        return run_here(
            plan, stores=stores, python=sys.executable, on_event=lambda event: None, on_line=print
        )

    return run


def rows(result: RunResult) -> dict[tuple[str, str], tuple[str, str, int]]:
    """Return (job, item) -> status, error and bytes read of each row of a run."""
    found = [
        row
        for job in result.plan.jobs
        if (layout := result.plan.layout.job(job))
        for row in report_rows(layout, Stores(), worker=bool(result.plan.counts[job]["run"]))
    ]
    told = {(row.job, row.item): (str(row.status), row.error_class, row.bytes_in) for row in found}
    assert len(told) == len(found), "one row per item and job"
    return told


def artifacts(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "_runs" not in path.parts
    }


def test_fused_jobs_make_the_same_artifacts_and_rows(run: Run, tmp_path: Path) -> None:
    make_songs(tmp_path / "songs", ["a", "b/c", "odd"], seconds=4)
    spoil(tmp_path / "songs", "odd")
    alone = run(JOBS, "a", "b/c", "odd", "nowhere", fuse=False)
    fused = run(JOBS, "a", "b/c", "odd", "nowhere", fuse=True)

    assert rows(fused) == rows(alone)
    assert len(rows(fused)) == 3 * 5
    assert artifacts(tmp_path / "fused-True") == artifacts(tmp_path / "fused-False")
    assert [outcome.counts for outcome in fused.outcomes] == [outcome.counts for outcome in alone.outcomes]
    summary = json.loads(Path(fused.plan.layout.job("beats").report, "summary.json").read_text())
    assert summary["together_with"] == list(fused.plan.jobs)


def write_words(folder: Path, *words: str) -> None:
    folder.mkdir()
    for word in words:
        (folder / f"{word}.txt").write_text(word)


def test_only_what_is_missing_is_made_and_nothing_is_left_beside_it(run: Run, tmp_path: Path) -> None:
    write_words(tmp_path / "songs", "a", "b")
    first = run(WORDS, "a", "b", fuse=True)
    before = artifacts(tmp_path / "fused-True")
    Path(recipe(first.plan.graph, "third").address.of("a")).unlink()
    Path(recipe(first.plan.graph, "second").address.of("b")).unlink()

    again = run(WORDS, "a", "b", fuse=True, targets=["third", "second"])

    assert {cell: row[0] for cell, row in rows(again).items()} == {
        ("third", "a"): "done", ("second", "b"): "done",
    }  # fmt: skip
    assert artifacts(tmp_path / "fused-True") == before


def test_a_forced_job_makes_its_artifact_again_for_those_that_read_it(run: Run, tmp_path: Path) -> None:
    write_words(tmp_path / "songs", "a")
    first = run(WORDS, "a", fuse=True)
    third = Path(recipe(first.plan.graph, "third").address.of("a"))
    old = third.stat().st_mtime_ns
    again = run(WORDS, "a", fuse=True, force=["first"])
    statuses = {cell[0]: row[0] for cell, row in rows(again).items()}
    assert statuses == dict.fromkeys(("first", "third"), "done")
    assert third.stat().st_mtime_ns > old


def test_a_step_that_dies_hangs_or_raises_costs_its_own_line_of_that_item_only(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "songs"
    folder.mkdir()
    words = ["fine", "segfault", "hang", "raise", "exit", "good"]
    for word in words:
        (folder / f"{word}.txt").write_text(word)

    told = {cell: row[:2] for cell, row in rows(run(MOODS, *words, fuse=True)).items()}

    broken = {"segfault": "StepCrashed", "hang": "StepTimeout", "raise": "ValueError", "exit": "StepCrashed"}
    for word in words:
        assert told["second", word] == ("done", "")
        if word in broken:
            assert told["first", word] == ("failed", broken[word])
            assert told["third", word] == ("blocked", "")
        else:
            assert told["first", word] == told["third", word] == ("done", "")
