"""Two runs at the same time over the same items in a bucket: one artifact each, two honest reports."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.e2e.songs import make_song
from tests.e2e.world import ARTIFACTS, RACE

if TYPE_CHECKING:
    from tests.airflow_env import AirflowClient, AirflowEnv
    from tests.peers.cloud import Cloud

pytestmark = pytest.mark.scheduler

SONGS = 60


ROUNDS = 5
"""Two runs that start together still may not meet on a busy machine; then they start again."""


def test_two_runs_that_race_leave_one_artifact_each_and_two_honest_reports(
    airflow_env: AirflowEnv, cloud: Cloud
) -> None:
    client = airflow_env.client
    client.wait_for_dag("race")
    client.unpause("race")
    for number in range(ROUNDS):
        if race(client, cloud.storage(), f"round {number}"):
            return
    pytest.fail(f"in {ROUNDS} rounds one run always did all the work: that is no race")


def race(client: AirflowClient, storage, folder: str) -> bool:
    """Start two runs over the same songs, check what they left, and tell whether both did some of it."""
    import soundfile

    items = [f"{folder}/song {n:02}.wav" for n in range(SONGS)]
    song = make_song("a.wav", 1, seconds=20)
    for item in items:
        storage.bucket(RACE).blob(item).upload_from_string(song)
    name = folder.replace(" ", "-")
    runs = [client.trigger("race", {"items": items}, dag_run_id=f"{name}-{n}") for n in range(2)]
    assert [client.wait_for_run(run).state for run in runs] == ["success", "success"]

    blobs = [
        blob
        for blob in storage.list_blobs(ARTIFACTS, prefix="race/downsample/")
        if f"/{folder}/" in blob.name
    ]
    made = {blob.name.split("/", 3)[3].removesuffix(".flac"): blob for blob in blobs}
    assert sorted(made) == items
    assert len(blobs) == len(items)
    reports = [report(client, storage, run) for run in runs]
    for item, blob in made.items():
        assert soundfile.info(io.BytesIO(blob.download_as_bytes())).samplerate == 22_050
        said = [rows.get(item, "present") for rows in reports]
        assert sorted(said) == ["done", "present"], f"{item}: {said}"
    return all(Counter(rows.values())["done"] for rows in reports)


def report(client: AirflowClient, storage, run) -> dict[str, str]:
    """Return item -> status, as one run tells it."""
    plan = client.xcoms(run, "plan")["return_value"]["plan"].removeprefix(f"gs://{ARTIFACTS}/")
    rows = {}
    for blob in storage.list_blobs(ARTIFACTS, prefix=f"{plan}/jobs/downsample/report/part-"):
        for line in blob.download_as_bytes().decode().splitlines():
            row = json.loads(line)
            assert row["item"] not in rows
            rows[row["item"]] = row["status"]
    return rows
