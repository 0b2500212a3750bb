"""A stream on Dataflow: submitted once by Beam's own runner, found by its name, drained and stopped.

Dataflow is a server of a few jobs that runs nothing; Beam's and Google's clients that speak to it are real.
"""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
import yaml

from airflow_media_provider.compat import DAG, AirflowException
from airflow_media_provider.operators.streaming import MediaStreamingJobOperator
from tests.peers.dataflow import dataflow_server

pytestmark = [pytest.mark.airflow, pytest.mark.beam]

NAME = "media-stream-far-downsample"


@pytest.fixture
def dataflow(monkeypatch):
    from airflow.providers.google.cloud.hooks.dataflow import DataflowHook
    from google.auth.credentials import AnonymousCredentials
    from googleapiclient.discovery import build

    with dataflow_server() as server:
        monkeypatch.setattr(
            DataflowHook, "get_conn",
            lambda self: build(
                "dataflow", "v1b3", credentials=AnonymousCredentials(), static_discovery=True,
                client_options={"api_endpoint": server.url},
            ),
        )  # fmt: skip
        yield server


@pytest.fixture
def registry(cloud, dataflow, tmp_path, monkeypatch) -> Path:
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    bucket = f"far-{uuid.uuid4().hex[:8]}"
    cloud.storage().create_bucket(bucket)
    options = {
        "project": "test-project", "region": "r1", "temp_location": f"gs://{bucket}/temp",
        "dataflow_endpoint": dataflow.url, "no_auth": True,
    }  # fmt: skip
    path = tmp_path / "far.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "version": 1, "name": "far", "root": f"gs://{bucket}/media",
                "source": {"uri": f"gs://{bucket}/songs/{{item}}.ogg"},
                "uploads": {"subscription": "projects/test-project/subscriptions/far"},
                "jobs": {
                    "downsample": {
                        "step": "downsample", "needs": ["source"],
                        "runner": {"name": "dataflow", "options": options},
                    }
                },
            }
        )
    )  # fmt: skip
    return path


def run(registry: Path, action: str):
    task = MediaStreamingJobOperator(
        task_id=action, registry=str(registry), target="downsample", action=action,
        dag=DAG("far", schedule=None),
    )  # fmt: skip
    return task.execute({})


@pytest.mark.parametrize(
    ("action", "wanted"), [("drain", "JOB_STATE_DRAINED"), ("stop", "JOB_STATE_CANCELLED")]
)
def test_a_stream_is_submitted_once_found_again_and_ended(dataflow, registry, action, wanted):
    assert run(registry, action) == {"name": NAME, "state": "absent", "job_id": None}
    first, second = run(registry, "start"), run(registry, "start")

    assert first == second == {"name": NAME, "state": "running", "job_id": "2026-0001"}
    (submitted,) = dataflow.asked("POST")
    assert submitted["name"] == NAME
    assert submitted["type"] in ("JOB_TYPE_STREAMING", 2)

    ended = run(registry, action)
    assert dataflow.asked("PUT") == [{"requestedState": wanted}]
    assert (ended["state"], ended["job_id"]) == (f"{action} asked for", "2026-0001")

    with pytest.raises(AirflowException, match=r"2026-0001 is still .*; start again when it has ended"):
        run(registry, "start")
    dataflow.end("2026-0001")
    assert run(registry, action)["state"] == "absent"
    assert run(registry, "start")["job_id"] == "2026-0002", "one that has ended is not in the way"


def test_a_job_that_dataflow_refuses_fails_the_task_with_its_reason(dataflow, registry):
    dataflow.refusal = "not you"
    with pytest.raises(AirflowException, match=rf"could not submit {NAME} to Dataflow: .*not you"):
        run(registry, "start")
