"""The task that looks at what a job has made, on a real Airflow."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.airflow

PLAN_ALL = """
    plan = MediaPlanOperator(task_id="plan", registry=REGISTRY, targets="energy", items=["a", "gone"])
"""


def test_the_sensor_of_a_plan_narrows_to_what_has_its_inputs(catalog):
    body = (
        PLAN_ALL
        + """
    for job in ("downsample", "energy"):
        plan >> MediaOutputSensor(task_id=job, job=job, plan=PLAN, min_coverage=0)
"""
    )
    run = catalog.run(body, dag_id="sensor_narrow")

    assert run.state == "success"
    counts = {
        job: {k: run.xcoms[job][k] for k in ("run", "present", "blocked")} for job in ("downsample", "energy")
    }
    assert counts == {
        "downsample": {"run": 1, "present": 0, "blocked": 1},
        "energy": {"run": 0, "present": 0, "blocked": 2},
    }
    assert catalog.read(run.xcoms["downsample"]["manifest"]).splitlines() == ['{"item":"a"}']


def test_the_sensor_of_a_job_off_the_line_finds_nothing_and_does_not_skip(catalog):
    body = (
        PLAN_ALL
        + """
    plan >> MediaOutputSensor(task_id="look", job="loudness", plan=PLAN, min_coverage=0)
"""
    )
    run = catalog.run(body, dag_id="sensor_off_line")

    assert run.states["look"] == "success"
    assert run.xcoms["look"]["run"] == 0


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_sensor_waits_until_enough_of_a_selection_is_there(catalog, deferrable):
    """Another task makes the artifacts; a sensor that did not look again would wait for ever."""
    body = f"""
    MediaOutputSensor(
        task_id="wait", job="loudness", registry=REGISTRY, items=["a", "rock/b"], min_coverage=0.5,
        poke_interval=0.2, timeout=60, deferrable={deferrable},
    )
"""
    address = catalog.address("loudness")
    timer = catalog.write_later(address.of("a"), seconds=1.5)
    run = catalog.run(body, dag_id=f"sensor_wait_{deferrable}".lower())
    timer.join()

    assert run.state == "success"
    assert run.xcoms["wait"] == {"items": 2, "present": 1, "coverage": 0.5}


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_sensor_that_waits_in_vain_fails(catalog, deferrable):
    body = f"""
    MediaOutputSensor(
        task_id="wait", job="loudness", registry=REGISTRY, items=["a"],
        poke_interval=0.2, timeout=1, deferrable={deferrable},
    )
"""
    if deferrable:
        pytest.skip("dag.test() waits for a trigger without its timeout")
    run = catalog.run(body, dag_id="sensor_vain")

    assert run.states["wait"] == "failed"


def test_a_sensor_asked_for_an_unknown_job_fails_at_once(catalog):
    body = """
    MediaOutputSensor(task_id="wait", job="lodness", registry=REGISTRY, items=["a"], deferrable=True)
"""
    run = catalog.run(body, dag_id="sensor_unknown")

    assert run.states["wait"] == "failed"


@pytest.mark.parametrize(
    "arguments",
    [{}, {"plan": "x", "registry": "y"}, {"registry": "y"}, {"plan": "x", "min_coverage": 2}],
    ids=["no plan or registry", "both", "no selection", "coverage of 2"],
)
def test_a_sensor_that_makes_no_sense_fails_when_the_file_is_read(arguments):
    from airflow_media_provider.sensors.media import MediaOutputSensor

    with pytest.raises(ValueError, match="task 'look'"):
        MediaOutputSensor(task_id="look", job="a", **arguments)
