"""Acting as another service account: what the storage sees is the token that IAM lends for that account."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.peers.cloud import Cloud
from tests.peers.iam import Iam, iam_server
from tests.peers.pubsub import PROJECT
from tests.peers.refusing import refusing_storage

pytestmark = pytest.mark.airflow

FIRST, LAST = "first@p.iam.gserviceaccount.com", "last@p.iam.gserviceaccount.com"

REGISTRY = """
version: 1
name: i
root: gs://{bucket}/artifacts
source: {{uri: "gs://{bucket}/songs/{{item}}.ogg"}}
uploads: {{subscription: projects/p-12345/subscriptions/s, topic: projects/p-12345/topics/t}}
jobs:
  downsample: {{step: downsample, needs: [source]}}
"""


@pytest.fixture
def iam(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Iam]:
    """A storage that takes the lent token only, and the server that lends it."""
    with iam_server() as iam, refusing_storage(cloud.gcs_url, token=iam.token) as url:
        for name, value in {**cloud.env, "STORAGE_EMULATOR_HOST": url}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("google.auth.iam._IAM_ENDPOINT", iam.endpoint)
        connect(monkeypatch)
        yield iam


def connect(monkeypatch: pytest.MonkeyPatch, **extra: str) -> None:
    """Make the connection one with credentials of its own."""
    connection = {"conn_type": "google_cloud_platform", "extra": {"project": PROJECT, **extra}}
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(connection))


@pytest.fixture
def bucket(cloud: Cloud, catalog: Any) -> str:
    """A bucket with a song, and a registry of it."""
    name = f"lent-{uuid.uuid4().hex[:12]}"
    cloud.storage().create_bucket(name).blob("songs/a.ogg").upload_from_string(b"x")
    (catalog.folder / "registry.yaml").write_text(REGISTRY.format(bucket=name))
    return name


CHAINS = {
    "an account": (f"{LAST!r}", []),
    "a chain": (f"[{FIRST!r}, {LAST!r}]", [FIRST]),
    "a template": ("'{{ params.account }}'", []),
}


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("what", CHAINS)
def test_a_task_acts_as_the_account_that_it_is_given(iam, catalog, what):
    chain, delegates = CHAINS[what]
    body = f"""
    MediaPlanOperator(
        task_id="plan", registry=REGISTRY, items=["a", "b"], impersonation_chain={chain},
        params={{"account": {LAST!r}}},
    )
"""
    run = catalog.run(body, dag_id=f"lent_{what.replace(' ', '_')}")
    assert run.state == "success"
    assert run.xcoms["plan"]["jobs"] == {"downsample": {"run": 1, "present": 0, "blocked": 1}}
    assert iam.asked == {LAST: delegates}


@pytest.mark.usefixtures("bucket")
def test_without_it_the_connection_acts_as_itself(iam, catalog):
    body = """
    MediaPlanOperator(task_id="plan", registry=REGISTRY, items=["a", "b"])
"""
    assert catalog.run(body, dag_id="not_lent").states["plan"] == "failed"
    assert not iam.asked


@pytest.mark.parametrize(("extra", "delegates"), [(LAST, []), (f"{FIRST},{LAST}", [FIRST])])
def test_a_command_acts_as_the_account_of_its_connection(iam, bucket, monkeypatch, extra, delegates):
    from airflow_media_provider.cli.command import open_stores

    connect(monkeypatch, impersonation_chain=extra)
    uri = f"gs://{bucket}/songs/a.ogg"
    assert open_stores(uri).for_uri(uri).read(uri) == b"x"
    assert iam.asked == {LAST: delegates}


@pytest.mark.usefixtures("bucket")
def test_every_task_and_watcher_of_a_factory_acts_as_the_account(catalog):
    from airflow_media_provider.dag_factory import media_dags

    (dag,) = media_dags(catalog.registry, on_uploads=True, impersonation_chain=[LAST]).values()
    assert len(dag.tasks) == 4
    assert {tuple(task.impersonation_chain) for task in dag.tasks} == {(LAST,)}
    assert all({"gcp_conn_id", "impersonation_chain"} <= set(task.template_fields) for task in dag.tasks)
    (asset,) = dag.timetable.asset_condition.objects
    assert asset.watchers[0].trigger.serialize()[1]["impersonation_chain"] == [LAST]


@pytest.mark.usefixtures("bucket")
def test_every_task_of_a_group_and_each_that_stands_alone_acts_as_the_account(catalog):
    from airflow_media_provider.compat import DAG
    from airflow_media_provider.dag_factory import MediaTaskGroup
    from airflow_media_provider.operators.streaming import MediaStreamingJobOperator
    from airflow_media_provider.sensors.media import MediaOutputSensor
    from airflow_media_provider.sensors.uploads import MediaUploadSensor

    given: dict[str, Any] = {"registry": catalog.registry, "impersonation_chain": LAST}
    with DAG("lent", schedule=None) as dag:
        MediaTaskGroup(prefix="a", **given)
        output = MediaOutputSensor(task_id="output", job="downsample", prefix="a", **given)
        uploads = MediaUploadSensor(task_id="uploads", **given)
        MediaStreamingJobOperator(task_id="stream", target="downsample", **given)
    assert len(dag.tasks) == 7
    assert {task.impersonation_chain for task in dag.tasks} == {LAST}
    assert output._look().impersonation_chain == LAST
    assert uploads._trigger().serialize()[1]["impersonation_chain"] == LAST


def test_what_waits_for_dataflow_acts_as_the_account(monkeypatch):
    from airflow_media_provider.triggers.dataflow import DataflowRunTrigger

    connect(monkeypatch)
    trigger = DataflowRunTrigger(
        job_id="id", project="p", region="r", manifest={}, impersonation_chain=[FIRST, LAST]
    )
    again = DataflowRunTrigger(**trigger.serialize()[1])
    assert again._hook().impersonation_chain == [FIRST, LAST]
