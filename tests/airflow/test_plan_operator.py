"""The plan task on a real Airflow."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.airflow


def test_the_plan_task_hands_on_a_folder_and_counts_only(catalog):
    run = catalog.run(
        """
    MediaPlanOperator(task_id="plan", registry=REGISTRY, targets="energy", items=["a", "rock/b", "a", "../x"])
""",
        dag_id="plan_counts",
    )

    assert run.state == "success"
    found = run.xcoms["plan"]
    assert (found["items"], found["rejected"]) == (2, 1)
    assert found["jobs"] == {
        job: {"run": 2, "present": 0, "blocked": 1} for job in ("downsample", "beat_tracking", "energy")
    }
    assert len(json.dumps(found)) < 2000
    stored = json.loads(catalog.read(f"{found['plan']}/plan.json"))
    assert stored["counts"] == found["jobs"]
