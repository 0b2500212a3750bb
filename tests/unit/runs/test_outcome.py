from __future__ import annotations

import json

import pytest

from airflow_media_provider.errors import LaunchError, LossesExceeded
from airflow_media_provider.runs.look import planned_manifest
from airflow_media_provider.runs.outcome import losses_exceed, read_outcome, stored_outcome


@pytest.mark.parametrize(
    ("failed", "attempted", "max_failed", "exceeded"),
    [
        (0, 0, 0, False), (0, 10, 0, False), (1, 10, 0, True), (3, 10, 3, False), (4, 10, 3, True),
        (1, 100, 0.01, False), (2, 100, 0.01, True), (1, 99, 0.01, True),
        (0, 5, 0.0, False), (1, 1, 0.5, True), (1, 1, 1, False),
    ],
)  # fmt: skip
def test_losses_pass_a_count_or_a_ratio(failed, attempted, max_failed, exceeded):
    assert losses_exceed(failed, attempted, max_failed) is exceeded


@pytest.fixture
def report(stores):
    def report(plan, job: str, **counts: int) -> None:
        uri = f"{plan.layout.job(job).report}/summary.json"
        stores.for_uri(uri).write(uri, json.dumps({"counts": counts}).encode())

    return report


def test_the_workers_rows_and_the_plans_blocked_items_make_one_outcome(plan, put, stores, report):
    put("source", "a", "b", "c")
    made = plan(items=["a", "b", "c", "nowhere"], targets=["loudness"])
    report(made, "loudness", done=1, present=1, failed=1)
    outcome = read_outcome(made, planned_manifest(made, "loudness"), stores)
    assert outcome.counts == {"done": 1, "present": 1, "failed": 1, "blocked": 1, "pinged": 0}
    assert sum(outcome.counts.values()) == 4
    assert stored_outcome(made, "loudness", stores) == outcome
    with pytest.raises(LossesExceeded, match=r"'loudness': 1 of 3 items failed, more than max_failed=0"):
        outcome.raise_for_losses()


def test_a_report_with_too_few_rows_is_no_report(plan, put, stores, report):
    put("source", "a", "b")
    made = plan(items=["a", "b"], targets=["loudness"])
    report(made, "loudness", done=1)
    with pytest.raises(LaunchError, match="1 rows for 2 items"):
        read_outcome(made, planned_manifest(made, "loudness"), stores)


def test_a_worker_that_left_no_report_did_not_run(plan, put, stores):
    put("source", "a")
    made = plan(items=["a"], targets=["loudness"])
    with pytest.raises(LaunchError, match="no report"):
        read_outcome(made, planned_manifest(made, "loudness"), stores)
    assert stored_outcome(made, "loudness", stores) is None


def test_a_job_with_nothing_to_do_needs_no_report(plan, put, stores):
    put("source", "a")
    put("loudness", "a")
    made = plan(items=["a"], targets=["loudness"])
    outcome = read_outcome(made, planned_manifest(made, "loudness"), stores)
    assert outcome.line() == "loudness: 1 present"
    assert not outcome.exceeded
