"""Waits for the next batch of messages, then works on it: for DAGs that no asset wakes."""

from airflow.sdk import DAG

from airflow_media_provider.dag_factory import MediaTaskGroup
from airflow_media_provider.sensors.uploads import MediaUploadSensor

with DAG("waiting", schedule=None):
    wait = MediaUploadSensor(task_id="wait", registry="waiting.yaml", timeout=300)
    work = MediaTaskGroup(
        "work",
        registry="waiting.yaml",
        items_uri="{{ ti.xcom_pull('wait')['batch'] }}",
        targets=["tally", "label"],
    )
    wait >> work
