"""Runs that are started through the API, as the form and other programs do."""

from __future__ import annotations

import pytest

from tests.airflow_env import AirflowClient
from tests.integration.catalog import Catalog, counts, outcome

pytestmark = pytest.mark.scheduler

XCOM_LIMIT = 2000
"""Characters; far below what ten thousand items would take."""


@pytest.fixture(scope="module")
def line(airflow: AirflowClient, media_folder):
    """Two songs through the whole graph, once."""
    items = Catalog(media_folder).add(["line/a", "line/deep/b ü"], seconds=6)
    run = airflow.wait_for_run(airflow.trigger("songs", {"items": items}))
    return items, run


def test_a_list_of_items_becomes_artifacts_of_every_job(
    airflow: AirflowClient, catalog: Catalog, line
) -> None:
    items, run = line
    assert run.state == "success", airflow.task_states(run)
    for job in ("loudness", "downsample", "beat_tracking", "energy"):
        assert set(catalog.made(job, "line")) == set(items), job
        assert counts(airflow, run)[job] == {"done": 2, "present": 0, "failed": 0, "blocked": 0}


def test_every_log_of_a_run_ends_with_a_line_of_counts(airflow: AirflowClient, line) -> None:
    _, run = line
    expected = {
        "plan": "2 items (0 duplicates merged, 0 rejected): ",
        "energy.outputs": "energy: 2 to run, 0 present, 0 blocked",
        "energy.run": "energy: 2 done",
        "summary": "8 done, 0 present, 0 failed, 0 blocked",
    }
    for task, text in expected.items():
        log = airflow.log(run, task)
        assert any(text in line for line in log.splitlines()[-4:]), (task, log[-2000:])


def test_a_second_run_over_the_same_items_skips_everything_and_is_green(
    airflow: AirflowClient, catalog: Catalog, line
) -> None:
    items, _ = line
    before = {path: path.stat().st_mtime_ns for path in catalog.made("energy", "line").values()}
    run = airflow.wait_for_run(airflow.trigger("songs", {"items": items}))
    assert run.state == "success"
    states = airflow.task_states(run)
    assert {states[f"{job}.run"] for job in ("loudness", "downsample", "energy")} == {"skipped"}
    assert counts(airflow, run)["energy"] == {"done": 0, "present": 2, "failed": 0, "blocked": 0}
    assert {path: path.stat().st_mtime_ns for path in catalog.made("energy", "line").values()} == before


def test_ten_thousand_pasted_lines_are_planned_and_handed_on_by_reference(
    airflow: AirflowClient, catalog: Catalog
) -> None:
    here = catalog.add(["many/00000", "many/09999"])
    pasted = [f"many/{number:05}" for number in range(10_000)] + ["", "many/00000", "../etc/passwd"]
    run = airflow.trigger("songs", {"items": pasted, "targets": ["loudness"]})
    run = airflow.wait_for_run(run)
    assert run.state == "success", airflow.task_states(run)
    plan = airflow.xcoms(run, "plan")["return_value"]
    assert (plan["items"], plan["rejected"]) == (10_000, 1)
    assert counts(airflow, run)["loudness"] == {
        "done": 2,
        "present": 0,
        "failed": 0,
        "blocked": 9_999,
    }  # the rejected one too
    assert set(catalog.made("loudness", "many")) == set(here)
    for task in airflow.task_states(run):
        assert len(str(airflow.xcoms(run, task))) < XCOM_LIMIT, task


class TestACorruptFile:
    @pytest.fixture
    def items(self, catalog: Catalog, request: pytest.FixtureRequest) -> list[str]:
        folder = request.node.name
        items = catalog.add([f"{folder}/a", f"{folder}/b", f"{folder}/corrupt"])
        catalog.spoil(f"{folder}/corrupt")
        return items

    def test_beyond_the_limit_is_red_and_its_children_go_on(
        self, airflow: AirflowClient, catalog: Catalog, items: list[str], request: pytest.FixtureRequest
    ) -> None:
        conf = {"items": items, "targets": ["beat_tracking"]}
        run = airflow.wait_for_run(airflow.trigger("songs", conf))
        assert run.state == "failed"
        states = airflow.task_states(run)
        assert states["downsample.run"] == "failed"
        assert states["beat_tracking.run"] == "success"
        assert states["summary"] == "failed"
        log = airflow.log(run, "summary")
        assert "job 'downsample': 1 of 3 items failed, more than max_failed=0" in log
        assert outcome(airflow, run, "beat_tracking")["done"] == 2
        assert set(catalog.made("beat_tracking", request.node.name)) == set(items[:2])

    def test_within_the_limit_is_green(self, airflow: AirflowClient, items: list[str]) -> None:
        conf = {"items": items, "targets": ["beat_tracking"]}
        run = airflow.wait_for_run(airflow.trigger("songs_lenient", conf))
        assert run.state == "success", airflow.task_states(run)
        found = counts(airflow, run)
        assert found["downsample"] == {"done": 2, "present": 0, "failed": 1, "blocked": 0}
        assert found["beat_tracking"] == {"done": 2, "present": 0, "failed": 0, "blocked": 1}
