"""A sensor in a team's own DAG waits in the triggerer until another team's artifacts are there."""

from __future__ import annotations

import pytest

from tests.airflow_env import AirflowClient
from tests.integration.catalog import Catalog
from tests.waiting import wait_until

pytestmark = pytest.mark.scheduler


def test_a_deferred_sensor_goes_on_when_the_last_artifact_is_made(
    airflow: AirflowClient, catalog: Catalog
) -> None:
    items = catalog.add(["waited/a", "waited/b"])

    def make(some: list[str]) -> None:
        run = airflow.trigger("songs", {"items": some, "targets": ["loudness"]})
        assert airflow.wait_for_run(run).state == "success"

    waiting = airflow.trigger("team")
    wait_until(lambda: airflow.task_states(waiting).get("wait") == "deferred", what="it did not defer")
    make(items[:1])
    assert airflow.task_states(waiting)["wait"] == "deferred"
    make(items[1:])
    assert airflow.wait_for_run(waiting).state == "success"
    assert airflow.xcoms(waiting, "use")["return_value"] == "2 of 2"
