"""The examples in ``dags/``: a team's own DAG with a media task group, and the DAG that its asset wakes."""

from __future__ import annotations

import pytest

from tests.airflow_env import AirflowClient
from tests.integration.catalog import Catalog
from tests.waiting import wait_until

pytestmark = pytest.mark.scheduler


@pytest.fixture(scope="module")
def weekly(airflow: AirflowClient, catalog: Catalog):
    """One week of the team's DAG, which works on one genre of two."""
    catalog.add(["rock/a", "jazz/b"], seconds=6)
    # Switched on, it makes the run of the last week.
    airflow.unpause("weekly_features")
    run = wait_until(lambda: next(iter(airflow.runs("weekly_features")), None), what="no run")
    return airflow.wait_for_run(run)


def test_a_task_group_beside_other_tasks_works_on_what_they_say(airflow: AirflowClient, weekly) -> None:
    assert weekly.state == "success", airflow.task_states(weekly)
    counts = airflow.xcoms(weekly, "features.summary")["return_value"]
    assert counts["energy"] == {"done": 1, "present": 0, "failed": 0, "blocked": 0}
    assert "plots" not in counts, "only what the target needs"
    assert f"energy: {counts['energy']}" in airflow.log(weekly, "publish")


def test_the_groups_asset_wakes_the_second_example(airflow: AirflowClient, weekly) -> None:
    run = wait_until(lambda: next(iter(airflow.runs("after_energy")), None), what="nobody woke")
    assert airflow.wait_for_run(run).state == "success"
    assert "1 new energy artifacts, listed in file://" in airflow.log(run, "report")
