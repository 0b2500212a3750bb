"""Hostile files in real jobs: one row each, nothing hangs, nothing is left over."""

from __future__ import annotations

from pathlib import Path

import pytest

from beam_jobs.contract.step import builtin_steps
from tests.fuzz.corpus import KINDS, write_corpus
from tests.fuzz.trial import Verdict, trials, try_steps

SEED = 20
FILES = {"audio": 220, "image": 200, "video": 180, "beats": 20}
TRIED = (
    "probe", "downsample", "loudness", "image_probe", "thumbnail", "video_probe", "keyframes", "energy",
    "run_model audio", "run_model image",
)  # fmt: skip
"""One that only looks, one that decodes all, one that computes, for each kind of media; and models."""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    folder = tmp_path_factory.mktemp("fuzz")
    corpora = {
        kind: (folder / kind, write_corpus(folder / kind, kind, count=FILES[kind], seed=SEED))
        for kind in KINDS
    }
    chosen = [trial for trial in trials() if trial.name in TRIED]
    tried = try_steps(chosen, corpora, folder / "jobs", timeout_s=5, memory_mb=1024, deadline_s=300)
    return {verdict.step: verdict for verdict in tried}


@pytest.fixture(params=TRIED)
def verdict(request: pytest.FixtureRequest, verdicts: dict[str, Verdict]) -> Verdict:
    if request.param not in verdicts:
        pytest.skip(f"there is no step {request.param!r}")
    return verdicts[request.param]


def test_the_job_runs_to_its_end_with_one_row_for_each_file(verdict: Verdict) -> None:
    assert verdict.code == 0
    assert len(verdict.rows) == verdict.files
    assert set(verdict.statuses) <= {"done", "failed"}


def test_a_file_is_done_or_refused_with_a_reason_that_the_step_thought_of(verdict: Verdict) -> None:
    assert verdict.unexpected == {}
    assert all(repr(item) in row.message for item, row in verdict.rows.items() if row.status == "failed")


def test_no_process_and_no_unfinished_file_is_left(verdict: Verdict) -> None:
    assert verdict.left == []


def test_the_files_are_neither_all_refused_nor_all_done(verdict: Verdict) -> None:
    assert min(verdict.statuses["done"], verdict.statuses["failed"]) >= 5


def test_no_built_in_step_is_left_out() -> None:
    assert {trial.step.name for trial in trials()} == set(builtin_steps())


def test_the_corpus_is_the_same_for_the_same_seed_only(tmp_path: Path) -> None:
    def contents(name: str, seed: int) -> dict[str, bytes]:
        names = write_corpus(tmp_path / name, "audio", count=200, seed=seed)
        assert len(set(names)) == 200
        return {file: (tmp_path / name / file).read_bytes() for file in names}

    first = contents("first", 1)
    assert contents("again", 1) == first
    assert contents("other", 2) != first
