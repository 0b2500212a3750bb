"""Links on a task's page, and what the provider tells of itself."""

from __future__ import annotations

import json
from importlib import import_module, resources
from types import SimpleNamespace

import pytest

from airflow_media_provider.get_provider_info import get_provider_info

pytestmark = pytest.mark.airflow

KEY = SimpleNamespace(dag_id="my dag", run_id="manual__2026-01-01T00:00:00+00:00", task_id="t", map_index=-1)


def test_links_lead_to_the_runs_page_and_to_the_job_on_it():
    from airflow_media_provider.operators.media import MediaBeamOperator, MediaPlanOperator

    plan = MediaPlanOperator(task_id="plan", registry="r", items=["a"])
    run = MediaBeamOperator(task_id="run", job="beat/tracking", plan="x")

    page = "/media/dags/my%20dag/runs/manual__2026-01-01T00%3A00%3A00%2B00%3A00"
    assert plan.operator_extra_links[0].get_link(plan, ti_key=KEY).endswith(page)
    assert run.operator_extra_links[0].get_link(run, ti_key=KEY).endswith(f"{page}#beat%2Ftracking")


def test_a_job_that_ran_here_has_no_remote_link_and_one_on_dataflow_has():
    from airflow_media_provider.links.media import MediaRemoteJobLink
    from airflow_media_provider.operators.media import MediaBeamOperator

    run = MediaBeamOperator(task_id="run", job="a", plan="x")
    assert MediaRemoteJobLink().get_link(run, ti_key=KEY) == ""

    run.remote_url = "https://example.org/1"
    assert MediaRemoteJobLink().get_link(run, ti_key=KEY) == "https://example.org/1"


def test_the_provider_tells_airflow_what_airflow_understands():
    import jsonschema

    schema = json.loads(resources.files("airflow").joinpath("provider_info.schema.json").read_text())

    jsonschema.validate(get_provider_info(), schema)


def test_everything_that_the_provider_names_is_there():
    info = get_provider_info()
    modules = [
        name
        for kind in ("operators", "sensors", "hooks", "triggers")
        for entry in info[kind]
        for name in entry["python-modules"]
    ]
    for module in modules:
        import_module(module)
    for path in (*info["extra-links"], *info["cli"]):
        module, _, name = path.rpartition(".")
        assert hasattr(import_module(module), name)


def test_airflow_finds_the_provider_its_links_and_its_section():
    from airflow.configuration import conf
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()

    assert "airflow-media-provider" in manager.providers
    assert "airflow_media_provider.links.media.MediaReportLink" in manager.extra_links_class_names
    assert conf.has_section("media") or conf.get("media", "python", fallback="none") == ""
