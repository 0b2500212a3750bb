"""``backfill``: what a dry run counts, and how runs are started and followed."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator

import pytest

from airflow_media_provider.cli.backfill import _sort
from airflow_media_provider.cli.backfill_loop import Loop, Pace, sort_slices
from airflow_media_provider.cli.backfill_progress import BackfillProgress
from airflow_media_provider.registry import media_registry
from airflow_media_provider.runs.backfill import Backfill, Slice, open_backfill
from airflow_media_provider.runs.leave_out import read_rows, write_rows
from airflow_media_provider.storage import Stores

KEYS = list("abcde")
GREEN_GREEN_RED = ("success", "success", "failed")


def test_airflow_2_is_refused_with_what_does_it_there(media, monkeypatch):
    monkeypatch.setattr("airflow_media_provider.cli.backfill.IS_AIRFLOW_2", True)
    said = media("backfill", "--partitions", "all")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(
        "error: runs of partitions and of slices of a list need Airflow 3; here: airflow"
    )


class TestADryRun:
    @pytest.fixture
    def sliced(self, media):
        media.registry.write_text(media.registry.read_text() + "partitions: {by: prefix}\n")
        media.add_song("jazz/c")
        return media

    def test_counts_each_partition_and_writes_nothing(self, sliced):
        sliced.make("loudness", "rock/a")
        before = sorted(sliced.folder.rglob("*"))
        said = sliced("backfill", "--partitions", "all", "-t", "loudness", "--dry-run", "-o", "json")
        answer = json.loads(said.out)
        assert said.code == 0
        assert answer["partitions"] == {
            "jazz": {"loudness": {"run": 1, "present": 0, "blocked": 0}},
            "rock": {"loudness": {"run": 1, "present": 1, "blocked": 0}},
        }
        assert answer["jobs"] == {"loudness": {"run": 2, "present": 1, "blocked": 0}}
        assert sorted(sliced.folder.rglob("*")) == before

    def test_cuts_a_list_into_slices(self, sliced):
        (sliced.folder / "list.txt").write_text("rock/a\nrock/b\njazz/c\n../x\n")
        words = ("--items-uri", str(sliced.folder / "list.txt"), "--slice-items", "2", "-t", "loudness")
        said = sliced("backfill", *words, "--dry-run", "-o", "json")
        assert [jobs["loudness"]["run"] for jobs in json.loads(said.out)["partitions"].values()] == [2, 1]
        assert "rejected" in said.err
        assert "'../x'" in said.err

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ((), "give --partitions a..f (or all), or --items-uri LIST"),
            (("--partitions", "rokc"), "no partition 'rokc' in the registry; did you mean 'rock'?"),
            (("--partitions", "all", "--order", "newest"), "partitions by prefix have no date"),
            (("--partitions", "all", "--items-uri", "l.txt"), "say themselves what is in them"),
            (("--partitions", "all", "-t", "lodness"), "did you mean 'loudness'?"),
        ],
    )
    def test_that_makes_no_sense_is_one_sentence(self, sliced, words, message):
        said = sliced("backfill", *words, "--dry-run")
        assert (said.code, said.out) == (2, "")
        assert message in said.err

    def test_without_partitions_says_how_to_get_some(self, media):
        said = media("backfill", "--partitions", "all", "--dry-run")
        assert "has no partitions; add 'partitions: {by: hash, count: 64}'" in said.err


def test_a_plan_and_a_status_take_a_partition_too(media):
    media.registry.write_text(media.registry.read_text() + "partitions: {by: prefix}\n")
    media.add_song("jazz/c")
    plan = json.loads(media("plan", "--partition", "jazz", "-t", "loudness", "-o", "json").out)
    assert plan["jobs"] == {"loudness": {"run": 1, "present": 0, "blocked": 0}}
    status = json.loads(media("status", "--partition", "rock", "-t", "loudness", "-o", "json").out)
    assert status["jobs"]["loudness"]["items"] == 2


class FakeRuns:
    """Runs that end one look after they were started.

    :param fate: run id -> how it ends; else well.
    """

    def __init__(self, fate: dict[str, str] | None = None) -> None:
        self.fate = fate or {}
        self.now: dict[str, str] = {}
        self.said: list[str] = []
        self.most = 0

    def start(self, run_id: str, conf: dict[str, object], partition: str | None) -> None:
        self.said.append(f"start {partition}")
        self.now[run_id] = "running"

    def again(self, run_id: str) -> None:
        self.said.append(f"again {run_id[-1]}")
        self.now[run_id] = "running"

    def states(self, prefix: str) -> dict[str, str]:
        self.most = max(self.most, sum(state == "running" for state in self.now.values()))
        for run_id, state in self.now.items():
            if state == "running":
                self.now[run_id] = self.fate.get(run_id, "success")
        return dict(self.now)


@pytest.fixture
def backfill() -> Backfill:
    jobs = {"loudness": {"step": "loudness", "needs": ["source"]}}
    graph = media_registry(root="memory://b/a", source="memory://b/{item}.ogg", jobs=jobs)
    return open_backfill(graph, dag_id="songs", targets=(), mode="bottom-up", items_uri=None)


@pytest.fixture
def follow(backfill, capsys) -> Iterator:
    """Follow slices a to e to their end; return their states."""

    def follow(runs, *, retry=False, work=1, **pace):
        slices = [Slice(key=key, select={"partition": key}) for key in KEYS]
        found = sort_slices(slices, runs.now, backfill, repeat=lambda _, state: retry and state == "failed")
        with BackfillProgress(total=len(slices), done=0, counts=lambda part: {}) as progress:
            loop = Loop(
                backfill=backfill, runs=runs, slices=slices, found=found, pace=Pace(**pace),
                work=lambda part: work, begin=lambda part: None, progress=progress, every=0,
            )  # fmt: skip
            return loop.run()

    return follow


def test_as_many_runs_as_allowed_are_active_in_the_order_of_the_slices(follow):
    runs = FakeRuns()
    assert set(follow(runs, max_active=2).values()) == {"success"}
    assert runs.most == 2
    assert runs.said == [f"start {key}" for key in KEYS]


def test_what_is_done_stays_what_runs_is_followed_and_what_failed_is_left(follow, backfill):
    runs = FakeRuns()
    runs.now = {
        backfill.run_id("a"): "success",
        backfill.run_id("b"): "running",
        backfill.run_id("c"): "failed",
    }
    assert follow(runs, max_active=1) == {
        "a": "success", "b": "success", "c": "failed", "d": "success", "e": "success",
    }  # fmt: skip
    assert runs.said == ["start d", "start e"]


def test_what_failed_is_repeated_in_its_turn_when_that_is_asked(follow, backfill):
    runs = FakeRuns()
    runs.now = {backfill.run_id("a"): "success", backfill.run_id("c"): "failed"}
    assert set(follow(runs, max_active=1, retry=True).values()) == {"success"}
    assert runs.said == ["start b", "again c", "start d", "start e"]


class TestWhatFailed:
    """Slices a, b (green, but it lost an item) and c (red) have runs; d and e have none."""

    @pytest.fixture
    def sort(self, backfill):
        stores = Stores()
        runs = FakeRuns()
        runs.now = {backfill.run_id(key): state for key, state in zip("abc", GREEN_GREEN_RED, strict=True)}
        slices = [Slice(key=key, select={"partition": key}) for key in KEYS]

        def sort(*, lost_in="b", retry_failed=False, again=False):
            row = {"job": "loudness", "item": "x", "run": backfill.run_id(lost_in)}
            write_rows(backfill.left_out, [row], stores)
            args = Namespace(retry_failed=retry_failed, again=again)
            found = _sort(args, backfill, slices, runs, stores)
            assert [part.key for part in found.start] == ["d", "e"]
            left_out = [row["item"] for row in read_rows(backfill.left_out, stores)]
            return [part.key for part in found.again], left_out

        return sort

    def test_is_left_alone(self, sort, capsys):
        assert sort() == ([], ["x"])
        assert "1 failed before and are left out" in capsys.readouterr().err

    def test_is_tried_again_in_red_runs_and_in_green_ones_that_lost_something(self, sort):
        assert sort(retry_failed=True) == (["b", "c"], [])

    def test_may_be_in_any_slice_of_a_list_that_has_changed(self, sort):
        assert sort(retry_failed=True, lost_in="items-00000-an-older-slice") == (["a", "b", "c"], [])

    def test_is_left_out_also_where_everything_is_looked_at_again(self, sort):
        assert sort(again=True) == (["a", "b", "c"], ["x"])


@pytest.mark.parametrize(("budget", "started"), [(0, 0), (5, 1), (9, 2), (12, 3), (100, 5)])
def test_no_run_is_started_with_which_the_budget_would_be_passed(follow, budget, started, capsys):
    runs = FakeRuns()
    states = follow(runs, max_active=2, work=4, budget=budget)
    assert list(states.values()) == ["success"] * started + ["not started"] * (len(KEYS) - started)
    said = f"{len(KEYS) - started} partitions would pass it"
    assert (said in capsys.readouterr().err) == (started < len(KEYS))


def test_without_waiting_only_what_may_be_active_is_started(follow):
    runs = FakeRuns()
    assert tally(follow(runs, max_active=3, wait=False)) == {"queued": 3, "not started": 2}


def test_a_run_that_somebody_deletes_does_not_hold_the_command_up(follow, backfill):
    runs = FakeRuns({backfill.run_id("b"): "deleted"})
    assert follow(runs, max_active=1)["b"] == "deleted"


def tally(states: dict[str, str]) -> dict[str, int]:
    from collections import Counter

    return dict(Counter(states.values()))
