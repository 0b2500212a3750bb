"""One text to many words through whole runs: split, a job over the words, and a job over that one's."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_media_provider.registry import JobGraph
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runners.launch import LaunchResult
from airflow_media_provider.runs import here
from airflow_media_provider.runs.here import RunResult, plan_and_save, run_here
from airflow_media_provider.runs.request import parse_request
from airflow_media_provider.runs.rows import report_rows
from airflow_media_provider.storage import Stores
from beam_jobs.run import main
from tests.unit.runs.splitting import splitting_graph

Run = Callable[..., RunResult]


@pytest.fixture
def graph(tmp_path: Path) -> JobGraph:
    return splitting_graph(f"{tmp_path}/artifacts", f"{tmp_path}/texts/{{item}}.txt")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., None]:
    """Write texts of items."""

    def write(**texts: str) -> None:
        for item, text in texts.items():
            path = tmp_path / "texts" / f"{item}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    return write


@pytest.fixture
def run(graph: JobGraph, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Run:
    """Plan and run; in one test by a worker that is started, in others without waiting for its start."""
    number = iter(range(100))
    if not hasattr(request, "param"):
        monkeypatch.setattr(
            here, "launch", lambda specs, **_: LaunchResult(exit_code=main(list(specs)), last_line="")
        )
        monkeypatch.setattr("beam_jobs.pipelines.crew.cores", lambda: 1)

    def run(*items: str, **request: object) -> RunResult:
        stores = Stores()
        plan = plan_and_save(
            graph, parse_request({"items": items, **request}), stores=stores, run_id=f"run-{next(number)}"
        )
        return run_here(
            plan, stores=stores, python=sys.executable, on_event=lambda event: None, on_line=print
        )

    return run


def counts(result: RunResult) -> dict[str, dict[str, int]]:
    return {o.job: {name: n for name, n in o.counts.items() if n} for o in result.outcomes}


def rows(result: RunResult, job: str, *statuses: str) -> list[str]:
    found = report_rows(result.plan.layout.job(job), Stores())
    return sorted(row.item for row in found if row.status in statuses)


def artifact(graph: JobGraph, job: str, item: str) -> Path:
    return Path(recipe(graph, job).address.of(item))


@pytest.mark.parametrize("run", ["by a worker that is started"], indirect=True)
def test_each_word_of_each_text_goes_down_the_line_and_a_second_run_finds_all_present(graph, write, run):
    write(a="one two three", b="four", silence="")
    first = run("a", "b", "silence")
    assert counts(first) == {
        "cut": {"done": 3}, "shout": {"done": 4}, "letters": {"done": 4}, "place": {"done": 4},
        "words": {"done": 3},
    }  # fmt: skip
    assert artifact(graph, "shout", "a/~00002").read_text() == "THREE!"
    assert json.loads(artifact(graph, "letters", "b/~00000").read_text()) == {"letters": 5}
    assert json.loads(artifact(graph, "place", "a/~00001").read_text()) == {"word": "two", "of": 3}
    assert artifact(graph, "words", "silence").read_text() == "0"
    again = run("a", "b", "silence")
    assert all(not count["run"] for count in again.plan.counts.values())
    assert counts(again) == {
        "cut": {"present": 3}, "shout": {"present": 4}, "letters": {"present": 4},
        "place": {"present": 4}, "words": {"present": 3},
    }  # fmt: skip


def test_of_a_word_whose_artifact_went_away_just_that_is_made_again(graph, write, run):
    write(a="one two three")
    run("a", targets=["letters"])
    kept = artifact(graph, "letters", "a/~00000").stat().st_mtime_ns
    artifact(graph, "letters", "a/~00001").unlink()
    again = run("a", targets=["letters"])
    # Nothing that is above it runs: planning stops where the artifacts of all words are there.
    assert counts(again) == {
        "cut": {"present": 1},
        "shout": {"present": 3},
        "letters": {"done": 1, "present": 2},
    }
    assert rows(again, "letters", "done") == ["a/~00001"]
    assert artifact(graph, "letters", "a/~00000").stat().st_mtime_ns == kept
    artifact(graph, "letters", "a/~00002").unlink()
    artifact(graph, "shout", "a/~00002").unlink()
    third = run("a", targets=["letters"])
    assert (rows(third, "shout", "done"), rows(third, "letters", "done")) == (["a/~00002"], ["a/~00002"])


def test_a_forced_job_makes_every_word_again_also_where_one_was_missing(graph, write, run):
    write(a="one two", b="three")
    run("a", "b", targets=["letters"])
    artifact(graph, "shout", "a/~00001").unlink()
    before = artifact(graph, "shout", "a/~00000").stat().st_mtime_ns
    forced = run("a", "b", targets=["letters"], force=["shout"])
    assert counts(forced) == {"cut": {"present": 2}, "shout": {"done": 3}, "letters": {"done": 3}}
    assert artifact(graph, "shout", "a/~00000").stat().st_mtime_ns > before


def test_a_word_that_fails_stops_only_itself(graph, write, run):
    write(a="one hush three", b="four")
    result = run("a", "b", targets=["letters"])
    assert counts(result)["shout"] == {"done": 3, "failed": 1}
    assert counts(result)["letters"] == {"done": 3, "blocked": 1}
    assert rows(result, "letters", "blocked") == ["a/~00001"]
    assert not result.all_done
    again = run("a", "b", targets=["letters"])
    assert counts(again)["shout"] == {"present": 3, "failed": 1}
    assert rows(again, "shout", "failed") == ["a/~00001"]


def test_a_text_that_cannot_be_split_is_blocked_once_in_every_job_over_words(tmp_path, write, run):
    write(good="one")
    (tmp_path / "texts" / "bad.txt").write_bytes(b"\xff\xfe\xff")
    result = run("bad", "good", targets=["letters"])
    assert counts(result) == {
        "cut": {"done": 1, "failed": 1},
        "shout": {"done": 1, "blocked": 1},
        "letters": {"done": 1, "blocked": 1},
    }
    assert rows(result, "letters", "blocked") == ["bad"]


def test_a_split_that_broke_off_is_made_whole(graph, write, run):
    write(a="one two three")
    run("a", targets=["shout"])
    artifact(graph, "cut", "a").unlink()  # the index is written last
    Path(recipe(graph, "cut").child_address.of("a/~00002")).unlink()
    again = run("a", targets=["shout"])
    assert counts(again) == {"cut": {"done": 1}, "shout": {"present": 3}}
    assert Path(recipe(graph, "cut").child_address.of("a/~00002")).read_text() == "three"


def test_a_text_that_got_shorter_and_is_split_again_has_no_child_too_many(graph, write, run):
    write(a="one two three four")
    run("a", targets=["place"])
    write(a="five six")
    again = run("a", targets=["place"], force=["cut"])
    assert counts(again) == {"cut": {"done": 1}, "place": {"done": 2}}
    words = Path(recipe(graph, "cut").child_address.prefix, "a")
    assert {path.name: path.read_text() for path in words.iterdir()} == {
        "~00000.word": "five", "~00001.word": "six",
    }  # fmt: skip
    assert run("a", targets=["place"]).plan.counts["place"]["present"] == 1


def test_what_a_broken_split_of_another_text_left_is_not_taken_for_this_one_s(graph, write, run):
    write(a="one two three")
    run("a", targets=["cut"])
    artifact(graph, "cut", "a").unlink()
    write(a="four five")
    assert counts(run("a", targets=["place"])) == {"cut": {"done": 1}, "place": {"done": 2}}
    assert json.loads(artifact(graph, "place", "a/~00000").read_text()) == {"word": "four", "of": 2}


def test_a_traced_text_leaves_one_row_per_job(write, run):
    write(a="one two three")
    result = run("a", targets=["letters"], ping=True)
    assert counts(result) == {job: {"pinged": 1} for job in ("cut", "shout", "letters")}
    assert rows(result, "letters", "pinged") == ["a"]
