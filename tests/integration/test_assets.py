"""What a job makes wakes another team's DAG."""

from __future__ import annotations

import pytest

from tests.airflow_env import AirflowClient
from tests.airflow_env.client import ENDED
from tests.integration.catalog import Catalog
from tests.waiting import wait_until

pytestmark = pytest.mark.scheduler


def test_a_dag_on_a_jobs_asset_runs_with_the_counts_and_not_after_a_run_that_made_nothing(
    airflow: AirflowClient, catalog: Catalog
) -> None:
    items = catalog.add(["assets/a", "assets/b"], seconds=6)
    catalog.spoil("assets/b")
    # songs_lenient may lose one song: what it has made is announced all the same.
    makers = [airflow.wait_for_run(airflow.trigger("songs_lenient", {"items": items})) for _ in range(2)]
    assert [maker.state for maker in makers] == ["failed", "failed"], "loudness may lose nothing"

    def woken():
        found = {}
        for run in airflow.runs("woken"):
            if run.state in ENDED:
                for extra in airflow.xcoms(run, "read")["return_value"]:
                    found[extra["plan"]] = extra
        return found if plans[0] in found else None

    plans = [airflow.xcoms(maker, "plan")["return_value"]["plan"] for maker in makers]
    found = wait_until(woken, what="the asset woke nobody")
    extra = found[plans[0]]
    assert {name: extra[name] for name in ("job", "done", "failed", "blocked")} == {
        "job": "energy", "done": 1, "failed": 0, "blocked": 1,
    }  # fmt: skip
    assert plans[1] not in found
    events = airflow.asset_events(source_dag_id="songs_lenient", source_run_id=makers[1].run_id)
    assert "media.songs.energy" not in {event["name"] for event in events}
