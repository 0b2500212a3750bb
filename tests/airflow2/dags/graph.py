"""What Airflow 2 reads: the reference graph by the factory, and the operators in DAGs written by hand."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.decorators import task
from airflow.models.dag import DAG

from airflow_media_provider.dag_factory import MediaTaskGroup, media_asset, media_dags
from airflow_media_provider.operators.media import MediaBeamOperator, MediaPlanOperator
from airflow_media_provider.operators.streaming import MediaStreamingJobOperator
from airflow_media_provider.sensors.media import MediaOutputSensor
from airflow_media_provider.sensors.uploads import MediaUploadSensor

START = datetime(2025, 1, 1, tzinfo=UTC)

globals().update(media_dags("media_jobs.yaml"))
globals().update(media_dags("media_jobs.yaml", team="b", dag_id="woken", on_parents=True))

with DAG("by_hand", schedule=None, start_date=START):
    plan = MediaPlanOperator(task_id="plan", registry="media_jobs.yaml", targets=["loudness"], prefix="hand/")
    MediaBeamOperator(task_id="run", job="loudness", plan=plan.output["plan"])

with DAG("in_a_group", schedule=None, start_date=START):

    @task
    def say(counts: dict) -> dict:
        """Hand the counts on."""
        return counts

    wait = MediaOutputSensor(
        task_id="wait", registry="media_jobs.yaml", job="loudness", prefix="hand/",
        deferrable=True, poke_interval=1, timeout=900, retries=2, retry_delay=timedelta(seconds=5),
    )  # fmt: skip
    group = MediaTaskGroup("features", registry="media_jobs.yaml", targets=["downsample"], prefix="hand/")
    wait >> group
    say(group.summary.output)

with DAG("after_downsample", schedule=[media_asset("media_jobs.yaml", "downsample")], start_date=START):

    @task
    def hear(triggering_dataset_events=None) -> list:
        """Return what the events say."""
        return [dict(event.extra) for events in triggering_dataset_events.values() for event in events]

    hear()

with DAG("uploaded", schedule=None, start_date=START):
    uploads = MediaUploadSensor(
        task_id="uploads",
        registry="media_jobs.yaml",
        overlay="cloud",
        max_messages=2,
        timeout=900,
        retries=2,
        retry_delay=timedelta(seconds=5),
    )
    plan = MediaPlanOperator(
        task_id="plan", registry="media_jobs.yaml", targets=["downsample"],
        items_uri="{{ ti.xcom_pull('uploads')['batch'] }}",
    )  # fmt: skip
    uploads >> plan
    MediaBeamOperator(task_id="run", job="downsample", plan=plan.output["plan"])

for action in ("start", "drain"):
    with DAG(f"stream_{action}", schedule=None, start_date=START):
        MediaStreamingJobOperator(
            task_id="stream", registry="media_jobs.yaml", target="downsample", action=action,
            subscription=os.environ.get("MEDIA_STREAM"),
        )  # fmt: skip
