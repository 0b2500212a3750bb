"""The songs' graph as a DAG, once more with some losses allowed, and a DAG that its asset wakes."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, task

from airflow_media_provider.dag_factory import media_asset, media_dags

globals().update(media_dags("songs.yaml"))
globals().update(media_dags("songs.yaml", overlay="lenient", dag_id="songs_lenient"))

with DAG("woken", schedule=[media_asset("songs.yaml", "energy")], max_active_runs=1):

    @task
    def read(triggering_asset_events: Any = None) -> list[dict[str, Any]]:
        """Return the extra of each event that woke this run."""
        return [dict(event.extra) for events in triggering_asset_events.values() for event in events]

    read()
