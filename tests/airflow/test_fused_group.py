"""A fused group in a DAG: one task works, the sensors of the others follow, each judges its own report."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.beam]

GROUP = """
    MediaTaskGroup("m", registry=REGISTRY, items={items!r})
"""
JOBS = ("downsample", "loudness", "beat_tracking", "energy")


def group(*items: str) -> str:
    return GROUP.format(items=list(items))


@pytest.fixture
def fused(catalog, request):
    path = catalog.folder / "registry.yaml"
    catalog.write_registry(loudness=", max_failed: 1")
    own = path.read_text().replace("name: t", f"name: {request.node.name}")  # assets of its own
    path.write_text(f"{own}groups:\n  all: {{jobs: [{', '.join(JOBS)}], fuse: true}}\n")
    return catalog


def counts(run) -> dict[str, int]:
    return {job: run.xcoms[f"m.{job}.run"]["counts"]["done"] for job in JOBS if f"m.{job}.run" in run.xcoms}


def test_one_task_does_the_work_of_all_and_each_tells_of_its_own(fused, spoil_song):
    run = fused.run(group("a", "rock/b"), dag_id="fused")

    assert set(run.states.values()) == {"success"}
    assert counts(run) == dict.fromkeys(JOBS, 2)
    (spec,) = fused.folder.glob("artifacts/_runs/*/jobs/downsample/fused.json")
    assert [job["spec"]["job"] for job in json.loads(spec.read_text())["line"]] == list(JOBS)
    assert not list(fused.folder.glob("artifacts/_runs/*/jobs/*/follow.json")), "each was taken over once"
    assert not list(fused.folder.glob("artifacts/_runs/*/jobs/loudness/fused.json"))

    again = fused.run(group("a", "rock/b"), dag_id="fused")
    assert {again.states[f"m.{job}.run"] for job in JOBS} == {"skipped"}
    assert again.state == "success"

    # One job's artifact is gone, and the leader has nothing to do: it still does the others' work.
    for path in (fused.folder / "artifacts" / "loudness").rglob("a.json"):
        path.unlink()
    third = fused.run(group("a", "rock/b"), dag_id="fused")
    assert third.states["m.downsample.run"] == "skipped"
    assert counts(third) == {"loudness": 1}


def test_losses_are_each_jobs_own(fused, spoil_song):
    spoil_song("rock/b")

    run = fused.run(group("a", "rock/b"), dag_id="fused_losses")

    assert run.states["m.downsample.run"] == "failed"
    assert run.states["m.loudness.run"] == "success", "one is within its limit"
    assert counts(run) == {"loudness": 1, "beat_tracking": 1, "energy": 1}
    assert run.state == "failed"
