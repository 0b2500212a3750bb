"""Web pages inside Airflow: what a run planned, and what became of it."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_media_provider.timetables import BackfillTimetable, PartitionTimetable

URL_PREFIX = "/media"


class MediaPlugin(AirflowPlugin):
    """Adds the tab *Media* to the pages of DAG runs."""

    name = "media"
    external_views = [  # noqa: RUF012 - the base class declares a plain list
        {
            "name": "Media",
            "href": f"{URL_PREFIX}/dags/{{DAG_ID}}/runs/{{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "media_run",
        }
    ]

    timetables = [BackfillTimetable, PartitionTimetable]  # noqa: RUF012

    # A property, so that only the api-server, which asks for it, imports FastAPI and the reader of plans.
    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The app under ``/media``."""
        from airflow_media_provider.plugin.app import make_app

        return [{"app": make_app(), "url_prefix": URL_PREFIX, "name": "Media"}]
