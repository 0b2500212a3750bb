"""The last task of a run, on a real Airflow."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.beam]

LINE = """
    plan = MediaPlanOperator(task_id="plan", registry=REGISTRY, targets="loudness", items={items})
    run = MediaBeamOperator(task_id="run", job="loudness", plan=PLAN, trigger_rule="all_done")
    plan >> run >> MediaSummaryOperator(task_id="summary", plan=PLAN)
"""


def test_a_run_in_which_all_was_done_is_green_with_counts(catalog):
    run = catalog.run(LINE.format(items=["a"]), dag_id="summary_green")

    assert run.state == "success"
    assert run.xcoms["summary"] == {"loudness": {"done": 1, "present": 0, "failed": 0, "blocked": 0}}


def test_a_run_whose_losses_pass_the_limit_is_red(catalog, spoil_song):
    spoil_song("a")

    run = catalog.run(LINE.format(items=["a", "rock/b"]), dag_id="summary_red")

    assert (run.states["summary"], run.state) == ("failed", "failed")


def test_a_run_without_a_plan_is_red_and_its_job_is_skipped(catalog):
    body = LINE.replace("items={items}", "items_uri='/no/such/list.txt'")

    run = catalog.run(body, dag_id="summary_no_plan")

    assert run.states == {"plan": "failed", "run": "skipped", "summary": "failed"}
    assert run.state == "failed"


def test_a_job_that_breaks_off_is_not_judged_by_its_last_try(catalog):
    """The same run again: first the job ends well, then its worker cannot start."""
    from datetime import UTC, datetime

    when = datetime(2026, 1, 1, tzinfo=UTC)
    first = catalog.run(LINE.format(items=["a"]), dag_id="summary_again", logical_date=when, run_after=when)
    broken = LINE.replace("plan=PLAN, trigger", "plan=PLAN, python='/bin/false', trigger").replace(
        "targets=", "force_all=True, targets="
    )
    second = catalog.run(
        broken.format(items=["a"]), dag_id="summary_again", logical_date=when, run_after=when
    )

    assert first.xcoms["plan"]["plan"] == second.xcoms["plan"]["plan"]
    assert (first.state, second.state) == ("success", "failed")
