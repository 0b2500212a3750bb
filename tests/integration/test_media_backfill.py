"""``airflow media backfill`` on a running Airflow: broken off, gone on with, and what failed tried again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.airflow_env import AirflowClient, AirflowEnv
from tests.integration.catalog import Catalog
from tests.integration.test_partitions import add, made
from tests.waiting import wait_until

pytestmark = pytest.mark.scheduler

AIRFLOW = str(Path(sys.executable).parent / "airflow")


class Command:
    """The command over one of the registries of ``partitioned.yaml``."""

    def __init__(self, env: AirflowEnv, *, overlay: str, dag_id: str) -> None:
        self.env = env
        registry = str(env.home / "dags" / "partitioned.yaml")
        common = ("--registry", registry, "--overlay", overlay, "--dag-id", dag_id, "--output", "json")
        self.words = ("airflow", "media", "backfill", *common)

    def __call__(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Run it to its end and return its answer; what it said is under ``said``."""
        done = self.env.run(*self.words, *words, check=False)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        answer = json.loads(done.stdout) if done.stdout else {}
        return {**answer, "said": done.stderr}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start it and return its process."""
        return subprocess.Popen(
            [AIRFLOW, *self.words[1:], *words], env=self.env.environ(), cwd=self.env.home, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip


def states(answer: dict[str, Any]) -> dict[str, str]:
    """Return key -> state of an answer."""
    return {key: part["state"] for key, part in answer["partitions"].items()}


@pytest.mark.timeout(1500)
def test_a_killed_command_goes_on_where_it_was_and_a_failed_item_waits_to_be_asked_for(
    airflow: AirflowClient, airflow_env: AirflowEnv, catalog: Catalog
) -> None:
    items = add(catalog, [f"dates/2026/03/{day:02}/{name}" for day in range(1, 5) for name in "ab"])
    catalog.spoil("partitioned/dates/2026/03/02/b")
    media = Command(airflow_env, overlay="commanded", dag_id="by_command")
    words = ("--partitions", "2026-03-01..2026-03-04", "--max-active", "2", "--order", "newest")

    planned = media(*words, "--dry-run")
    assert planned["partitions"]["2026-03-02"] == {"loudness": {"run": 2, "present": 0, "blocked": 0}}
    prefix = f"media_backfill__{planned['backfill']}__"

    def runs() -> dict[str, str]:
        found = [run for run in airflow.runs("by_command") if run.run_id.startswith(prefix)]
        return {run.partition_key or "": run.state for run in found}

    assert runs() == {}
    process = media.start(*words)
    try:
        wait_until(lambda: len(runs()) == 2, what="nothing was started")
    finally:
        process.kill()
        process.communicate()
    assert set(runs()) == {"2026-03-04", "2026-03-03"}, "newest first, two at a time"

    process = media.start(*words)
    try:
        wait_until(lambda: len(runs()) > 2, what="the second command started nothing")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=180)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "runs that go on in Airflow: 2026-03-0" in said

    second = media(*words, code=1)
    assert states(second) == {
        "2026-03-04": "success", "2026-03-03": "success", "2026-03-02": "failed", "2026-03-01": "success",
    }  # fmt: skip
    done = made(catalog, "by_command")
    here = {item for item in items if item != "dates/2026/03/02/b"}
    assert {item for item in done if item.startswith("dates/2026/03/")} == here
    assert set(runs()) == set(states(second)), "one run per partition, though the command ran twice"

    add(catalog, ["dates/2026/03/02/b"])
    third = media(*words, code=1)
    assert states(third) == states(second)
    assert "1 failed before and are left out" in third["said"]
    assert "2026-03-02: started" not in third["said"]
    # Also when the partition is looked at again, e.g. for a new file, is the failed one left out.
    add(catalog, ["dates/2026/03/02/c"])
    again = media(*words, "--again", code=1)
    assert again["partitions"]["2026-03-02"]["jobs"]["loudness"] == {
        "done": 1, "present": 1, "failed": 0, "blocked": 1,
    }  # fmt: skip
    assert "dates/2026/03/02/b" not in made(catalog, "by_command")

    last = media(*words, "--retry-failed")
    assert set(states(last).values()) == {"success"}
    assert last["partitions"]["2026-03-02"]["jobs"]["loudness"] == {
        "done": 1, "present": 2, "failed": 0, "blocked": 0,
    }  # fmt: skip
    now = made(catalog, "by_command")
    assert {item: now[item] for item in done} == done, "what was there is not done again"
    assert Counter(runs().values()) == {"success": 4}


def test_a_list_is_cut_into_runs_and_a_budget_ends_the_command_before_the_list(
    airflow: AirflowClient, airflow_env: AirflowEnv, catalog: Catalog
) -> None:
    items = add(catalog, [f"listed/{number}" for number in range(5)])
    media = Command(airflow_env, overlay="listed", dag_id="from_lists")
    uri = catalog.write_list("backfill.txt", items)
    words = ("--items-uri", uri, "--slice-items", "2", "--target", "loudness")

    first = media(*words, "--budget-items", "4", code=1)
    assert Counter(states(first).values()) == {"success": 2, "not started": 1}
    assert "the next of 1 partitions would pass it" in first["said"]
    assert set(items[:4]) <= set(made(catalog, "from_lists"))
    assert items[4] not in made(catalog, "from_lists")

    second = media(*words, "--budget-items", "4")
    assert set(states(second).values()) == {"success"}
    assert set(items) <= set(made(catalog, "from_lists"))
    assert sum(run.run_id.startswith(f"media_backfill__{second['backfill']}__") for run in
               airflow.runs("from_lists")) == 3  # fmt: skip


def test_a_paused_or_unknown_dag_and_an_unknown_partition_are_one_sentence(
    airflow: AirflowClient, airflow_env: AirflowEnv
) -> None:
    media = Command(airflow_env, overlay="named", dag_id="no_such_dag")
    assert "no DAG 'no_such_dag'" in media("--partitions", "ecm", code=2)["said"]
    media = Command(airflow_env, overlay="named", dag_id="by_label")
    assert "did you mean 'ecm'?" in media("--partitions", "ecn..R&B", code=2)["said"]
    airflow.call("PATCH", "/dags/by_label", json={"is_paused": True})
    try:
        assert "airflow dags unpause by_label" in media("--partitions", "ecm", code=2)["said"]
    finally:
        airflow.unpause("by_label")
