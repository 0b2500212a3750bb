"""The web application: one page per DAG run, for whoever may read that run's XComs."""

from __future__ import annotations

from pathlib import Path

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from airflow_media_provider.plugin.run_view import view_run

CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


def make_app() -> FastAPI:
    """Return the FastAPI app; every route asks Airflow whether the user may read the DAG's XComs."""
    app = FastAPI(title="Media", docs_url=None, redoc_url=None, openapi_url=None)
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape()
    )

    @app.get(
        "/dags/{dag_id}/runs/{run_id}",
        dependencies=[Depends(requires_access_dag(method="GET", access_entity=DagAccessEntity.XCOM))],
    )
    def run_page(dag_id: str, run_id: str) -> HTMLResponse:
        plans = view_run(dag_id, run_id)
        page = templates.get_template("run.html").render(dag_id=dag_id, run_id=run_id, plans=plans)
        return HTMLResponse(page, headers={"Content-Security-Policy": CONTENT_POLICY})

    return app
