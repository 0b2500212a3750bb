"""The task that runs one job, on a real Airflow and with real Beam pipelines."""

from __future__ import annotations

import json

import pytest

from tests.integration.songs import make_songs

pytestmark = [pytest.mark.airflow, pytest.mark.beam]

ONE_JOB = """
    plan = MediaPlanOperator(
        task_id="plan", registry=REGISTRY, targets="loudness", items=["a", "rock/b"], {plan}
    )
    outputs = MediaOutputSensor(task_id="outputs", job="loudness", plan=PLAN, min_coverage=0)
    run = MediaBeamOperator(
        task_id="run", job="loudness", plan=PLAN, manifest=outputs.output, outlets=[Asset("media.t.loudness")]
    )
    plan >> outputs
"""


def one_job(plan: str = "") -> str:
    return ONE_JOB.format(plan=plan)


def test_a_job_makes_its_artifacts_and_emits_its_asset_with_counts(catalog):
    run = catalog.run(one_job(), dag_id="beam_asset")

    assert run.states == {"plan": "success", "outputs": "success", "run": "success"}
    assert catalog.artifacts("loudness") == ["a.json", "b.json"]
    assert run.xcoms["run"]["counts"] == {"done": 2, "present": 0, "failed": 0, "blocked": 0, "pinged": 0}
    extra = run.events["media.t.loudness"]
    assert (extra["job"], extra["done"], extra["failed"]) == ("loudness", 2, 0)
    assert extra["report"] == run.xcoms["run"]["report"]
    assert len(catalog.read(extra["manifest"]).splitlines()) == 2


def test_a_second_run_over_finished_work_skips_the_job_and_is_green(catalog):
    catalog.run(one_job(), dag_id="beam_again")
    again = catalog.run(one_job(), dag_id="beam_again")

    assert again.states == {"plan": "success", "outputs": "success", "run": "skipped"}
    assert again.state == "success"
    assert again.events == {}


def test_a_dry_run_skips_the_job_and_makes_nothing(catalog):
    run = catalog.run(one_job("dry_run=True"), dag_id="beam_dry")

    assert run.states["run"] == "skipped"
    assert catalog.artifacts("loudness") == []


def test_force_makes_an_artifact_again(catalog):
    catalog.run(one_job(), dag_id="beam_force")
    (path,) = (catalog.folder / "artifacts" / "loudness").rglob("a.json")
    before = path.stat().st_mtime_ns

    run = catalog.run(one_job("force='loudness'"), dag_id="beam_force")

    assert run.xcoms["run"]["counts"]["done"] == 2
    assert path.stat().st_mtime_ns > before


def test_losses_past_the_limit_fail_the_task_and_emit_no_asset(catalog, spoil_song):
    spoil_song("rock/b")

    run = catalog.run(one_job(), dag_id="beam_losses")

    assert run.states["run"] == "failed"
    assert run.events == {}
    assert catalog.artifacts("loudness") == ["a.json"]


def test_what_a_red_run_made_is_told_by_the_next_green_one(catalog, spoil_song):
    body = ONE_JOB.replace('items=["a", "rock/b"], {plan}', "items=ITEMS")
    spoil_song("rock/b")
    red = catalog.run(f"    ITEMS = ['a', 'rock/b']\n{body}", dag_id="beam_owed")
    assert red.events == {}
    make_songs(catalog.songs, ["rock/b"])
    green = catalog.run(f"    ITEMS = ['rock/b']\n{body}", dag_id="beam_owed")

    extra = green.events["media.t.loudness"]
    told = [json.loads(line)["item"] for line in catalog.read(extra["manifest"]).splitlines()]
    assert (told, extra["items"], extra["done"]) == (["a", "rock/b"], 2, 1)
    (catalog.songs / "c.ogg").hardlink_to(catalog.songs / "a.ogg")
    third = catalog.run(f"    ITEMS = ['c']\n{body}", dag_id="beam_owed")
    assert third.events["media.t.loudness"]["items"] == 1, "told once"


def test_losses_within_the_limit_are_counted_in_the_assets_event(catalog, spoil_song):
    spoil_song("rock/b")
    catalog.write_registry(loudness=", max_failed: 1")

    run = catalog.run(one_job(), dag_id="beam_within")

    assert run.states["run"] == "success"
    assert (run.events["media.t.loudness"]["done"], run.events["media.t.loudness"]["failed"]) == (1, 1)


def test_a_task_that_is_repeated_does_only_what_is_not_done(catalog, spoil_song):
    """The retry gets the same manifest, in which one item is done already."""
    song = catalog.songs / "rock/b.ogg"
    good = song.read_bytes()
    spoil_song("rock/b")
    body = (
        one_job()
        + f"""
    run.retries = 1
    run.retry_delay = __import__("datetime").timedelta(0)
    run.on_retry_callback = [
        lambda context: __import__("pathlib").Path({str(song)!r}).write_bytes(bytes.fromhex({good.hex()!r}))
    ]
"""
    )
    run = catalog.run(body, dag_id="beam_retry")

    assert run.states["run"] == "success"
    counts = run.xcoms["run"]["counts"]
    assert (counts["done"], counts["present"], counts["failed"]) == (1, 1, 0)


def test_a_job_looks_itself_when_no_sensor_did(catalog):
    body = """
    plan = MediaPlanOperator(task_id="plan", registry=REGISTRY, targets="loudness", prefix="rock/")
    plan >> MediaBeamOperator(task_id="run", job="loudness", plan=PLAN)
"""
    run = catalog.run(body, dag_id="beam_alone")

    assert run.xcoms["run"]["counts"]["done"] == 1


@pytest.mark.parametrize(
    ("job", "state"), [("downsample", "skipped"), ("lodness", "failed")], ids=["off the line", "unknown"]
)
def test_a_job_that_the_plan_does_not_have(catalog, job, state):
    body = f"""
    plan = MediaPlanOperator(task_id="plan", registry=REGISTRY, targets="loudness", items=["a"])
    plan >> MediaBeamOperator(task_id="run", job={job!r}, plan=PLAN)
"""
    run = catalog.run(body, dag_id="beam_no_job")

    assert run.states["run"] == state


def test_a_worker_that_cannot_start_fails_the_task_with_its_words(catalog, capfd):
    body = """
    plan = MediaPlanOperator(task_id="plan", registry=REGISTRY, targets="loudness", items=["a"])
    plan >> MediaBeamOperator(task_id="run", job="loudness", plan=PLAN, python="/bin/false")
"""
    run = catalog.run(body, dag_id="beam_no_worker")

    assert run.states["run"] == "failed"
