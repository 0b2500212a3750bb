"""Slices of one catalog as Airflow's own partitions: by name, by date, by shard, and on to who listens."""

from __future__ import annotations

import pytest

from airflow_media_provider.registry.partitions import shard_of
from tests.airflow_env import AirflowClient, AirflowEnv, DagRun
from tests.airflow_env.client import ENDED
from tests.integration.catalog import Catalog, counts, finished
from tests.waiting import wait_until

pytestmark = pytest.mark.scheduler

LABELS = {"blue note": ["a", "b"], "ecm": ["a"], "R&B": ["a"], "impulse": []}


def made(catalog: Catalog, name: str) -> dict[str, int]:
    """Return item -> time of its artifact, of one of the three registries."""
    artifacts = finished(catalog.folder / "partitioned" / name / "loudness")
    return {item: path.stat().st_mtime_ns for item, path in artifacts.items()}


def add(catalog: Catalog, items: list[str]) -> list[str]:
    """Make the songs of ``items`` where the partitioned registries look for them."""
    catalog.add((f"partitioned/{item}" for item in items), seconds=1)
    return items


def backfill(env: AirflowEnv, dag_id: str, first: str, last: str, *more: str) -> None:
    """Make a backfill as people do; Airflow takes one per DAG, and is slow to see that one has ended."""
    dates = ("--from-date", first, "--to-date", last)

    def taken() -> bool:
        done = env.run("airflow", "backfill", "create", "--dag-id", dag_id, *dates, *more, check=False)
        assert not done.returncode or "Another backfill is running" in done.stderr, done.stderr
        return not done.returncode

    wait_until(taken, every=5, what="the backfill was not taken")


def wait_for(airflow: AirflowClient, dag_id: str, number: int) -> list[DagRun]:
    """Return the runs of a DAG once there are so many and all have ended."""

    def ended():
        runs = airflow.runs(dag_id)
        return len(runs) >= number and all(run.state in ENDED for run in runs) and runs

    return wait_until(ended, what=f"no {number} ended runs of {dag_id}")


@pytest.fixture(scope="module")
def labels(airflow: AirflowClient, airflow_env: AirflowEnv, catalog: Catalog) -> dict[str, DagRun]:
    """One native backfill over every label: key -> run."""
    add(catalog, [f"labels/{label}/{name}" for label, names in LABELS.items() for name in names])
    add(catalog, ["labels/another label/a"])
    backfill(airflow_env, "by_label", "2026-01-01", "2026-01-01")
    return {run.partition_key or "": run for run in wait_for(airflow, "by_label", len(LABELS))}


def test_a_native_backfill_runs_every_named_partition_on_its_own_items(
    airflow: AirflowClient, catalog: Catalog, labels: dict[str, DagRun]
) -> None:
    assert set(labels) == set(LABELS)
    for key, run in labels.items():
        assert run.state == "success", (key, airflow.task_states(run))
        assert counts(airflow, run)["loudness"]["done"] == len(LABELS[key])
    assert set(made(catalog, "by_label")) == {f"labels/{k}/{n}" for k, names in LABELS.items() for n in names}


def test_who_listens_has_one_run_per_partition_that_made_something(
    airflow: AirflowClient, labels: dict[str, DagRun]
) -> None:
    runs = wait_for(airflow, "per_partition", 3)
    said = [airflow.xcoms(run, "read")["return_value"] for run in runs]
    assert {one["key"]: [extra["partition"] for extra in one["extras"]] for one in said} == {
        key: [key] for key, names in LABELS.items() if names
    }
    assert {run.partition_key for run in runs} == {key for key, names in LABELS.items() if names}


def test_a_team_downstream_has_one_run_per_partition_over_what_was_made(
    airflow: AirflowClient, airflow_env: AirflowEnv, catalog: Catalog
) -> None:
    items = {key: add(catalog, [f"teams/{key}/a"]) for key in ("ecm", "blue note")}
    backfill(airflow_env, "by_team.platform", "2026-01-01", "2026-01-01")
    runs = wait_for(airflow, "by_team.a", len(items))
    assert {run.partition_key for run in runs} == set(items)
    for run in runs:
        assert run.state == "success", airflow.task_states(run)
        assert airflow.xcoms(run, "plan")["return_value"]["items"] == 1
        assert counts(airflow, run)["beat_tracking"]["done"] == 1
    # Missing parents are the upstream team's: this run makes its own job only.
    assert all(airflow.task_states(run)["downsample.run"] == "skipped" for run in runs)


def test_a_second_backfill_makes_nothing_again(
    airflow: AirflowClient, airflow_env: AirflowEnv, catalog: Catalog, labels: dict[str, DagRun]
) -> None:
    before = made(catalog, "by_label")
    backfill(airflow_env, "by_label", "2026-01-01", "2026-01-01", "--reprocess-behavior", "completed")
    runs = wait_for(airflow, "by_label", 2 * len(LABELS))
    again = [run for run in runs if run.run_id not in {old.run_id for old in labels.values()}]
    assert {run.partition_key: counts(airflow, run)["loudness"]["present"] for run in again} == {
        key: len(names) for key, names in LABELS.items()
    }
    assert made(catalog, "by_label") == before


def test_the_dates_of_a_native_backfill_choose_the_partitions(
    airflow: AirflowClient, airflow_env: AirflowEnv, catalog: Catalog
) -> None:
    items = add(catalog, [f"dates/2026/01/{day:02}/a" for day in range(1, 5)])
    backfill(airflow_env, "by_date", "2026-01-02", "2026-01-03")
    runs = wait_for(airflow, "by_date", 2)
    assert {run.partition_key for run in runs} == {"2026-01-02", "2026-01-03"}
    assert {run.state for run in runs} == {"success"}
    assert set(made(catalog, "by_date")) == set(items[1:3])


def test_a_partition_can_be_asked_for_in_the_form_and_an_unknown_one_is_red(
    airflow: AirflowClient, catalog: Catalog
) -> None:
    add(catalog, ["labels/ecm/late"])
    good = airflow.trigger("unpartitioned", {"partition": "ecm"})
    bad = airflow.trigger("unpartitioned", {"partition": "ecn"})
    assert airflow.wait_for_run(good).state == "success"
    assert "labels/ecm/late" in made(catalog, "by_label")
    assert airflow.wait_for_run(bad).state == "failed"
    assert "no partition 'ecn' in the registry; did you mean 'ecm'?" in airflow.log(bad, "plan")


def test_a_shard_takes_its_part_of_what_the_form_says(airflow: AirflowClient, catalog: Catalog) -> None:
    items = add(catalog, [f"shards/{number}" for number in range(6)])
    run = airflow.trigger("by_shard", {"prefix": "shards/"}, partition_key="shard-001")
    assert airflow.wait_for_run(run).state == "success"
    mine = {item for item in items if shard_of(item, 3) == 1}
    assert 0 < len(mine) < len(items)
    assert set(made(catalog, "by_shard")) == mine
