"""A team's own DAG: one media task group among other tasks, and a second DAG that its asset wakes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import DAG, task

from airflow_media_provider.dag_factory import MediaTaskGroup, media_asset

with DAG(
    "weekly_features",
    schedule="@weekly",
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["media", "example"],
):

    @task
    def choose_genre() -> str:
        """Say which part of the catalog is this week's."""
        return "rock/"

    @task
    def publish(counts: dict[str, dict[str, int]]) -> None:
        """Hand the features on."""
        print(f"energy: {counts['energy']}")

    genre = choose_genre()
    features = MediaTaskGroup(
        "features",
        registry="media_jobs.yaml",
        targets=["energy"],
        prefix="{{ ti.xcom_pull('choose_genre') }}",
    )
    genre >> features
    publish(features.summary.output)

with DAG("after_energy", schedule=[media_asset("media_jobs.yaml", "energy")], tags=["media", "example"]):

    @task
    def report(triggering_asset_events: Any = None) -> None:
        """Say what the run that woke this one has made."""
        for events in triggering_asset_events.values():
            for event in events:
                print(f"{event.extra['done']} new energy artifacts, listed in {event.extra['manifest']}")

    report()
