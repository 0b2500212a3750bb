"""Dataflow's part: found again by name, waited for to any end, cancelled when nobody waits any more.

Google's own client library and API description are real; only its wire is recorded answers.
"""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.airflow.test_trigger import first_event, travelled

pytestmark = pytest.mark.airflow

REMOTE = ", runner: {name: dataflow, options: {project: p-12345, region: r1, temp_location: 'gs://b/t'}}"


class Wire:
    """Answers requests in turn, and keeps them."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, str, Any]] = []

    def request(self, uri: str, method: str = "GET", body: Any = None, **rest: Any):
        import httplib2

        self.requests.append((method, uri, body))
        content = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return httplib2.Response({"status": 200}), json.dumps(content).encode()

    def close(self) -> None:
        """There is nothing to close."""


@pytest.fixture
def wire(monkeypatch) -> Wire:
    from airflow.providers.google.cloud.hooks.dataflow import DataflowHook
    from googleapiclient.discovery import build

    made = Wire()
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", '{"conn_type": "google_cloud_platform"}')
    monkeypatch.setattr(
        DataflowHook, "get_conn",
        lambda self: build("dataflow", "v1b3", http=made, static_discovery=True),
    )  # fmt: skip
    return made


@pytest.fixture
def planned(catalog):
    """A plan of one job on Dataflow, whose first try wrote its spec."""
    from airflow_media_provider.registry.load import load_registry
    from airflow_media_provider.runs.fuse import write_group
    from airflow_media_provider.runs.here import plan_and_save
    from airflow_media_provider.runs.look import look_again
    from airflow_media_provider.runs.request import parse_request
    from airflow_media_provider.storage import Stores

    catalog.write_registry(loudness=REMOTE)
    stores = Stores()
    request = parse_request({"items": ["a", "rock/b"], "targets": ["loudness"]})
    plan = plan_and_save(load_registry(catalog.registry), request, stores=stores, run_id="run-1")
    write_group(plan, [look_again(plan, "loudness", stores)], stores, leader="loudness")
    return plan, stores


def job(name: str, state: str = "JOB_STATE_RUNNING", job_id: str = "id-1") -> dict[str, Any]:
    return {"id": job_id, "name": name, "currentState": state}


def test_a_second_try_attaches_to_the_runs_job_and_starts_nothing(catalog, planned, wire):
    import logging

    from airflow_media_provider.operators.dataflow import attach_or_submit
    from airflow_media_provider.runners import pipeline_options
    from airflow_media_provider.runs.look import look_again

    plan, stores = planned
    name = pipeline_options(plan.graph.jobs["loudness"], plan.run_id)["job_name"]
    wire.answers = [
        {"jobs": [job(f"{name}-other", job_id="id-0")], "nextPageToken": "2"},
        {"jobs": [job(name, job_id="id-7")]},
    ]
    catalog.write_later(catalog.address("loudness").of("a"), seconds=0).join()  # the running job's own work

    now = look_again(plan, "loudness", stores)
    remote = attach_or_submit(
        plan, now, [now], stores, write=lambda: "nothing is submitted",
        python="/no/python", gcp_conn_id="google_cloud_default", impersonation_chain=None,
        log=logging.getLogger(), on_start=lambda worker: None,
    )  # fmt: skip

    assert remote.job_id == "id-7"
    assert (remote.manifest.run, remote.manifest.present) == (2, 0), "its report will have both rows"
    assert "filter=ACTIVE" in wire.requests[0][1]


def trigger():
    from airflow_media_provider.triggers.dataflow import DataflowRunTrigger

    return travelled(
        DataflowRunTrigger(
            job_id="id-1", project="p-12345", region="r1", manifest={"job": "loudness"}, poll_interval=0.01
        )
    )


@pytest.mark.parametrize("end", ["JOB_STATE_DONE", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"])
def test_the_trigger_fires_at_any_end(wire, end):
    wire.answers = [job("n", "JOB_STATE_PENDING"), job("n"), job("n", end)]

    found = asyncio.run(first_event(trigger()))

    assert (found["state"], found["manifest"]) == (end, {"job": "loudness"})
    assert found["url"].endswith("/dataflow/jobs/r1/id-1?project=p-12345")


def test_a_look_that_fails_is_repeated(wire):
    wire.answers = [{"error": "no state"}, job("n", "JOB_STATE_DONE")]

    assert asyncio.run(first_event(trigger()))["state"] == "JOB_STATE_DONE"


def test_a_wait_that_can_never_look_ends(monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", raising=False)

    found = asyncio.run(first_event(trigger()))

    assert "google_cloud_default" in found["state"]


def test_a_task_that_is_killed_while_it_waits_cancels_its_job(wire):
    wire.answers = [job("n"), job("n", "JOB_STATE_CANCELLING")]

    asyncio.run(trigger().on_kill())

    (asked,) = [body for method, _, body in wire.requests if method == "PUT"]
    assert json.loads(asked)["requestedState"] == "JOB_STATE_CANCELLED"


def test_a_job_that_did_not_end_well_fails_the_task(catalog):
    from airflow_media_provider.compat import AirflowException
    from airflow_media_provider.operators.media import MediaBeamOperator

    run = MediaBeamOperator(task_id="run", job="loudness", plan="x")
    event = {"state": "JOB_STATE_FAILED", "job_id": "id-1", "url": "https://u", "manifest": {}}

    with pytest.raises(AirflowException, match="id-1 ended as JOB_STATE_FAILED; see https://u"):
        run.execute_complete(SimpleNamespace(), event)
