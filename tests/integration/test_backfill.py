"""A backfill from the command line: each date takes its slice of the catalog."""

from __future__ import annotations

import json

import pytest

from tests.airflow_env import AirflowClient, AirflowEnv
from tests.airflow_env.client import ENDED
from tests.integration.catalog import Catalog, counts
from tests.waiting import wait_until

pytestmark = pytest.mark.scheduler

DATES = ("2026-01-01", "2026-01-02", "2026-01-03")


def test_each_date_takes_its_list_and_leaves_what_exists(
    airflow: AirflowClient, airflow_env: AirflowEnv, catalog: Catalog
) -> None:
    slices = {date: catalog.add([f"slices/{date}/{name}" for name in "ab"]) for date in DATES}
    for date, items in slices.items():
        # One song is in every list: two of the three runs must leave it alone.
        catalog.write_list(f"{date}.txt", [*items, "slices/old"])
    catalog.add(["slices/old"])
    first = airflow.trigger("songs", {"items": ["slices/old"], "targets": ["loudness"]})
    assert airflow.wait_for_run(first).state == "success"
    old = catalog.made("loudness", "slices")["slices/old"]
    written = old.stat().st_mtime_ns

    conf = {"items_uri": f"{catalog.folder}/lists/{{{{ ds }}}}.txt", "targets": ["loudness"]}
    airflow_env.run(
        "airflow", "backfill", "create", "--dag-id", "songs", "--from-date", DATES[0], "--to-date", DATES[-1],
        "--dag-run-conf", json.dumps(conf),
    )  # fmt: skip

    def ended():
        runs = [run for run in airflow.runs("songs") if run.run_id.startswith("backfill")]
        return len(runs) == len(DATES) and all(run.state in ENDED for run in runs) and runs

    runs = wait_until(ended, what="the backfill did not end")
    assert {run.state for run in runs} == {"success"}
    assert sorted((run.logical_date or "")[:10] for run in runs) == list(DATES)
    for run in runs:
        assert counts(airflow, run)["loudness"] == {"done": 2, "present": 1, "failed": 0, "blocked": 0}
    made = catalog.made("loudness", "slices")
    assert set(made) == {"slices/old", *(item for items in slices.values() for item in items)}
    assert old.stat().st_mtime_ns == written


def test_a_date_without_a_list_is_red_and_says_which_list(airflow: AirflowClient, catalog: Catalog) -> None:
    conf = {"items_uri": f"{catalog.folder}/lists/never-{{{{ ds }}}}.txt", "targets": ["loudness"]}
    run = airflow.trigger("songs", conf, logical_date="2026-02-03T00:00:00Z")
    assert airflow.wait_for_run(run).state == "failed"
    assert "never-2026-02-03.txt" in airflow.log(run, "plan")
