"""Waits for the next batch of messages, then works on it: for DAGs that no asset wakes."""

from datetime import timedelta

from airflow.sdk import DAG

from airflow_media_provider.dag_factory import MediaTaskGroup
from airflow_media_provider.sensors.uploads import MediaUploadSensor

with DAG("waiting", schedule=None):
    # Retries, as every deferred task needs them where one scheduler is busy: see triggers/settle.py.
    wait = MediaUploadSensor(
        task_id="wait", registry="waiting.yaml", timeout=900, retries=2, retry_delay=timedelta(seconds=5)
    )
    work = MediaTaskGroup(
        "work",
        registry="waiting.yaml",
        items_uri="{{ ti.xcom_pull('wait')['batch'] }}",
        targets=["tally", "label"],
    )
    wait >> work
