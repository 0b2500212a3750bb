"""Plans as tables: one graph in one state after another, and the cases in which Klio fails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from airflow_media_provider.errors import PlanError
from airflow_media_provider.planning import Mode, PlanQuery, item_force, item_ping, plan_cells
from airflow_media_provider.registry.model import Job, JobGraph

NEEDS = {
    "downsample": ("source",),
    "beat_tracking": ("downsample",),
    "energy": ("downsample", "beat_tracking"),
    "speechiness": ("downsample",),
    "instrumentalness": ("downsample",),
}
SHORT = {"d": "downsample", "b": "beat_tracking", "e": "energy", "s": "speechiness", "i": "instrumentalness"}


class Wish:
    def __init__(self, force: Any = None, ping: bool | None = None) -> None:
        self.force, self.ping = force, ping


def graph_of(**defaults: dict[str, bool]) -> JobGraph:
    jobs = {
        name: Job(name=name, step=name, needs=needs, **defaults.get(name, {}))
        for name, needs in NEEDS.items()
    }
    return JobGraph(name="g", root="/r", source="/s/{item}", jobs=jobs)


def cells(
    present: str = "", *, targets: str, mode: str = "bottom-up", force: str = "", source: bool = True,
    stale: str = "", graph: JobGraph | None = None, wish: Wish | None = None, **query: bool,
) -> dict[str, str]:  # fmt: skip
    """Plan one item and return job -> ``action reason``."""
    graph = graph or graph_of()
    items = pa.array(["song"], pa.large_string())
    names = lambda letters: frozenset(SHORT[letter] for letter in letters)  # noqa: E731
    asked = PlanQuery(
        targets=graph.sort(names(targets)), mode=Mode(mode), force=names(force),
        force_all=query.get("force_all", False), ping=query.get("ping", False),
    )  # fmt: skip
    wishes = {"song": wish} if wish else {}
    table = plan_cells(
        graph, asked,
        source=np.array([source]),
        present={job: np.array([job in names(present)]) for job in NEEDS},
        stale={job: np.array([job in names(stale)]) for job in NEEDS},
        item_force=item_force(graph, asked, items, wishes),
        item_ping=item_ping(graph, asked, items, wishes),
    )  # fmt: skip
    pinged = {job for job in table.jobs if table.ping(job)[0]}
    return {
        cell.job: f"{cell.action} {cell.reason}{' ping' if cell.job in pinged else ''}"
        for cell in table.rows(items)
    }


MISSING, PRESENT, NOT_NEEDED, FORCED = "run missing", "skip present", "skip excluded", "run forced"


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ("", ("run needed-by(beat_tracking)", "run needed-by(energy)", MISSING)),
        ("d", (PRESENT, "run needed-by(energy)", MISSING)),
        ("db", (PRESENT, PRESENT, MISSING)),
        ("b", ("run needed-by(energy)", PRESENT, MISSING)),
        ("e", (NOT_NEEDED, NOT_NEEDED, PRESENT)),
        ("de", (PRESENT, NOT_NEEDED, PRESENT)),
        ("dbe", (PRESENT, PRESENT, PRESENT)),
    ],
)
def test_bottom_up_runs_the_missing_ancestors_and_never_a_sibling(present, expected):
    assert cells(present, targets="e") == dict(
        zip(("downsample", "beat_tracking", "energy"), expected, strict=True)
    )


def test_several_targets_share_their_ancestors():
    assert cells(targets="es") == {
        "downsample": "run needed-by(beat_tracking)",
        "beat_tracking": "run needed-by(energy)",
        "energy": MISSING,
        "speechiness": MISSING,
    }


def test_a_target_that_is_another_targets_ancestor_is_wanted_for_itself():
    assert cells(targets="be")["beat_tracking"] == MISSING


def test_without_its_source_a_target_is_blocked_and_pulls_in_nobody():
    assert set(cells(targets="e", source=False).values()) == {"blocked source-missing"}
    found = cells("d", targets="e", source=False)
    assert found["beat_tracking"] == "run needed-by(energy)"  # the source is not needed any more
    assert cells("b", targets="e", source=False) == {
        "downsample": "blocked source-missing", "beat_tracking": PRESENT, "energy": "blocked source-missing",
    }  # fmt: skip


def test_top_down_runs_all_that_depends_on_the_target():
    assert cells(targets="b", mode="top-down", present="d") == {"beat_tracking": MISSING, "energy": MISSING}
    assert set(cells(targets="d", mode="top-down")) == set(NEEDS)


def test_top_down_wakes_no_parent():
    assert cells(targets="b", mode="top-down") == {
        "beat_tracking": "blocked parent-failed", "energy": "blocked parent-failed",
    }  # fmt: skip


def test_only_runs_one_job_and_blocks_what_lacks_an_input():
    assert cells("d", targets="b", mode="only") == {"beat_tracking": MISSING}
    assert cells("b", targets="e", mode="only") == {"energy": "blocked parent-failed"}


def test_force_does_the_job_again_and_what_depends_on_it():
    assert cells("dbe", targets="e", force="b") == {
        "downsample": PRESENT,
        "beat_tracking": FORCED,
        "energy": FORCED,
    }
    assert cells("dbe", targets="e", force="e")["beat_tracking"] == PRESENT
    assert set(cells("dbe", targets="e", force_all=True).values()) == {FORCED}


def test_a_forced_job_whose_input_is_gone_gets_it_made():
    assert cells("be", targets="e", force="b") == {
        "downsample": "run needed-by(beat_tracking)", "beat_tracking": FORCED, "energy": FORCED,
    }  # fmt: skip


def test_force_off_the_line_is_an_error():
    with pytest.raises(PlanError, match="speechiness"):
        cells(targets="e", force="s")


def test_an_artifact_of_other_params_is_stale():
    assert cells(targets="d", stale="d") == {"downsample": "run stale"}
    assert cells("d", targets="d", stale="d") == {"downsample": PRESENT}


class TestWhereKlioFails:
    def test_triggering_children_at_depth_two_and_deeper(self):
        """Klio's ``trigger_children_of`` woke a sibling's children below the first level."""
        chain = {"a": ("source",), "b": ("a",), "c": ("b",), "d": ("c",), "x": ("b",), "y": ("x",)}
        jobs = {name: Job(name=name, step=name, needs=needs) for name, needs in chain.items()}
        graph = JobGraph(name="g", root="/r", source="/s/{item}", jobs=jobs)
        query = PlanQuery(targets=("d",), mode=Mode.BOTTOM_UP)
        none = {job: np.array([False]) for job in chain}
        table = plan_cells(graph, query, source=np.array([True]), present=none)
        ran = [cell.job for cell in table.rows(pa.array(["song"], pa.large_string())) if cell.action == "run"]
        assert ran == ["a", "b", "c", "d"]

    def test_an_item_that_says_no_force_wins_over_a_job_that_forces_by_default(self):
        graph = graph_of(beat_tracking={"force": True})
        assert cells("dbe", targets="e", graph=graph)["beat_tracking"] == FORCED
        assert set(cells("dbe", targets="e", graph=graph, wish=Wish(force=False)).values()) == {PRESENT}

    def test_an_item_that_says_no_ping_wins_over_a_job_that_pings_by_default(self):
        graph = graph_of(energy={"ping": True})
        assert cells("db", targets="e", graph=graph)["energy"].endswith("ping")
        assert cells("db", targets="e", graph=graph, wish=Wish(ping=False))["energy"] == MISSING

    def test_a_job_with_several_inputs_waits_for_the_one_that_is_missing(self):
        assert cells("d", targets="e")["beat_tracking"] == "run needed-by(energy)"
        assert cells("b", targets="e")["downsample"] == "run needed-by(energy)"


@pytest.mark.parametrize(
    ("force", "forced"),
    [
        (True, {"energy"}),
        ("all", {"downsample", "beat_tracking", "energy"}),
        (frozenset({"beat_tracking"}), {"beat_tracking", "energy"}),
        (False, set()),
    ],
)  # fmt: skip
def test_an_item_of_a_list_file_says_what_is_done_again(force, forced):
    found = cells("dbe", targets="e", wish=Wish(force=force))
    assert {job for job, cell in found.items() if cell == FORCED} == forced


def test_a_ping_traces_the_line_that_would_run():
    assert cells("d", targets="e", ping=True) == {
        "downsample": PRESENT,
        "beat_tracking": "run needed-by(energy) ping",
        "energy": f"{MISSING} ping",
    }
