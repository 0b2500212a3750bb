"""Ten thousand messages through a real Airflow whose processes are killed: none lost, none doubled."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.airflow_env.client import ENDED
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.airflow_env import AirflowClient, AirflowEnv
    from tests.peers.cloud import Cloud

pytestmark = pytest.mark.scheduler

MESSAGES = 10_000
TWICE = 500
"""Items that are announced by two different messages."""


@pytest.mark.timeout(1500)
def test_ten_thousand_messages_are_worked_on_once_whatever_is_killed(
    airflow_env: AirflowEnv, cloud: Cloud, media_folder: Path
) -> None:
    client, pubsub = airflow_env.client, cloud.pubsub()
    client.wait_for_dag("inbox")
    client.unpause("inbox")
    items = [f"{n % 10}/file {n:05}" for n in range(MESSAGES - TWICE)]
    for item in items:
        path = media_folder / "inbox" / f"{item}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(item)
    artifacts = media_folder / "inbox-artifacts"
    announced = [item.encode() for item in items + items[:TWICE]]
    # First: the triggerer dies with messages in its hands, and once more when it has written some.
    topic = "projects/test-project/topics/inbox"
    pubsub.publish(topic, *announced[:1000])
    time.sleep(2)
    airflow_env.kill("triggerer")
    airflow_env.start_component("triggerer")
    pubsub.publish(topic, *announced[1000:])
    wait_until(lambda: batches(artifacts), every=0.1, what="no batch was written")
    airflow_env.kill("triggerer")
    airflow_env.start_component("triggerer")
    # Second: the Beam worker dies in the middle of a job. Third: the task's process does.
    for job, victim in (("tally", lambda worker: worker), ("label", lambda worker: worker.parent())):
        wait_until(lambda job=job: len(made(artifacts, job)) > 50, every=0.1, what=f"no {job} began")
        wait_until(lambda victim=victim: strike(airflow_env, victim), every=0.1, what="no worker")

    wait_until(
        lambda: len(made(artifacts, "label")) >= len(items) and quiet(client),
        patience=900, every=3, what="not every message was worked on",
    )  # fmt: skip
    assert sorted(made(artifacts, "tally")) == sorted(made(artifacts, "label")) == sorted(items)
    assert not pubsub.drain("projects/test-project/subscriptions/inbox"), "every message is acknowledged"
    runs = client.runs("inbox")
    assert {run.state for run in runs} == {"success"}
    assert {len(client.tasks(run)) for run in runs} == {6}, "tasks depend on the jobs, not on the messages"
    rows = Counter((row["item"], row["job"]) for row in report_rows(artifacts) if row["status"] == "done")
    assert max(rows.values()) == 1, "nothing is reported done twice"
    # Only what was in work when a process was killed may have been begun twice.
    diary = (media_folder / "inbox-diary.json").read_text().splitlines()
    assert 2 * len(items) <= len(diary) <= 2 * len(items) + 2 * 16
    taken = Counter(row["message"] for row in batch_rows(artifacts))
    assert (len(taken), max(taken.values())) == (MESSAGES, 1), "each message is in one batch"


def batches(artifacts: Path) -> list[Path]:
    return list(artifacts.glob("_intake/*/batches/*.jsonl"))


def batch_rows(artifacts: Path) -> list[dict[str, str]]:
    return [json.loads(line) for path in batches(artifacts) for line in path.read_text().splitlines()]


def made(artifacts: Path, job: str) -> list[str]:
    found = []
    for folder in (artifacts / job).glob("*"):
        for path in folder.rglob("*.json"):
            if not path.name.startswith(".tmp-"):
                found.append(path.relative_to(folder).with_suffix("").as_posix())
    return found


def report_rows(artifacts: Path) -> list[dict[str, str]]:
    parts = artifacts.glob("_runs/*/jobs/*/report/part-*")
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


def strike(env: AirflowEnv, victim: Callable[[psutil.Process], psutil.Process | None]) -> bool:
    """Kill what ``victim`` says of a worker that runs; tell whether there was one."""
    for worker in env.beam_workers():
        with contextlib.suppress(psutil.Error):
            found = victim(worker)
            if found is not None and found.pid != 1:  # else its task is gone
                found.kill()
                return True
    return False


def quiet(client: AirflowClient) -> bool:
    return all(run.state in ENDED for run in client.runs("inbox"))
