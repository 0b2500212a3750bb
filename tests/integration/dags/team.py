"""A team's hand-written DAG: it waits for another team's artifacts, then works with them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

from airflow_media_provider.sensors.media import MediaOutputSensor

with DAG("team", schedule=None):
    wait = MediaOutputSensor(
        task_id="wait", registry="songs.yaml", job="loudness", prefix="waited/",
        deferrable=True, poke_interval=1, timeout=900, retries=2, retry_delay=timedelta(seconds=5),
    )  # fmt: skip

    @task
    def use(found: dict[str, Any]) -> str:
        """Say what was found."""
        return f"{found['present']} of {found['items']}"

    use(wait.output)
