"""A task waits in the triggerer for messages; items of one batch may want different jobs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.airflow_env import AirflowEnv
    from tests.peers.cloud import Cloud

pytestmark = pytest.mark.scheduler


def test_a_task_waits_for_messages_and_the_plan_does_what_each_asks_for(
    airflow_env: AirflowEnv, cloud: Cloud, media_folder: Path
) -> None:
    client = airflow_env.client
    client.wait_for_dag("waiting")
    client.unpause("waiting")
    for item in ("a", "b"):
        path = media_folder / "waiting" / f"{item}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(item)
    registry = str(airflow_env.settings.dags / "waiting.yaml")
    root = media_folder / "waiting-artifacts"

    def publish(*words: str) -> None:
        airflow_env.run("airflow", "media", "publish", "-r", registry, *words)

    def made() -> dict[tuple[str, str], int]:
        found = ((job, path) for job in ("tally", "label") for path in (root / job).glob("*/*.json"))
        return {(job, path.stem): path.stat().st_mtime_ns for job, path in found}

    publish("a", "--target", "tally")
    publish("b")
    first = client.wait_for_run(client.trigger("waiting"))
    assert first.state == "success", client.story(first)
    assert client.xcoms(first, "wait")["return_value"]["items"] == 2
    before = made()
    assert set(before) == {("tally", "a"), ("tally", "b"), ("label", "b")}

    second = client.trigger("waiting")
    wait_until(lambda: client.task_states(second).get("wait") == "deferred", what="it does not wait")
    publish("a", "--target", "tally", "--force")
    second = client.wait_for_run(second)
    assert second.state == "success", client.story(second)
    changed = {cell for cell, when in made().items() if before[cell] != when}
    assert changed == {("tally", "a")}
    assert len(list(root.glob("_intake/*/planned/*"))) == 2, "each batch has its mark"


def test_messages_ask_for_a_trace_for_what_lies_above_and_for_what_lies_below(
    airflow_env: AirflowEnv, cloud: Cloud, media_folder: Path
) -> None:
    client = airflow_env.client
    client.wait_for_dag("waiting")
    client.unpause("waiting")
    for item in ("traced/one", "traced/two", "up", "down", "alone"):
        path = media_folder / "waiting" / f"{item}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(item)
    registry = str(airflow_env.settings.dags / "waiting.yaml")
    root = media_folder / "waiting-artifacts"

    def publish(*words: str, **more: str) -> None:
        airflow_env.run("airflow", "media", "publish", "-r", registry, *words, **more)

    publish("--prefix", "traced/", "--ping")
    publish("up", "--target", "label", "--bottom-up")
    publish("-", "--target", "tally", "--top-down", stdin="down\n")
    publish("alone", "--target", "tally", "--bottom-up")
    run = client.wait_for_run(client.trigger("waiting"))
    assert run.state == "success", client.story(run)
    assert client.xcoms(run, "wait")["return_value"]["items"] == 5

    plan = Path(client.xcoms(run, "work.plan")["plan"].removeprefix("file://"))
    parts = plan.glob("jobs/*/report/part-*")
    rows = [json.loads(line) for part in parts for line in part.read_text().splitlines()]
    both = ("tally", "label")
    assert sorted((row["item"], row["job"], row["status"]) for row in rows) == sorted([
        *((item, job, "pinged") for item in ("traced/one", "traced/two") for job in both),
        *((item, job, "done") for item in ("up", "down") for job in both),
        ("alone", "tally", "done"),
    ])  # fmt: skip
    named = {(job, path.stem) for job in both for path in (root / job).glob("*/**/*.json")}
    assert named >= {("tally", "up"), ("label", "up"), ("tally", "down"), ("label", "down")}
    assert ("tally", "alone") in named
    assert ("label", "alone") not in named
    assert not {stem for _, stem in named} & {"one", "two"}, "who is only traced has no artifacts"


def test_publishing_names_its_faults(cloud: Cloud, tmp_path: Path) -> None:
    registry = tmp_path / "plain.yaml"
    registry.write_text(
        "version: 1\nroot: /tmp/x\nsource: {uri: '/tmp/s/{item}.ogg'}\n"
        "jobs: {downsample: {step: downsample, needs: [source]}}\n"
    )

    def publish(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).parent / "airflow"), "media", "publish", "-r", str(registry), *words],
            env={**os.environ, **cloud.env}, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    none = publish("a")
    assert none.returncode == 2
    assert "no topic; give --topic projects/PROJECT/topics/TOPIC" in none.stderr
    both = publish("a", "--bottom-up", "--top-down", "--topic", "projects/p/topics/t")
    assert "give either --bottom-up or --top-down" in both.stderr
    gone = publish("a", "--topic", "projects/test-project/topics/gone")
    assert (gone.returncode, "projects/test-project/topics/gone" in gone.stderr) == (2, True)
