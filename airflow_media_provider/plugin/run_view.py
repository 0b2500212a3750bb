"""What the page of a DAG run shows, gathered from its plans and reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from airflow.models.xcom import XComModel
from airflow.utils.session import create_session

from airflow_media_provider.errors import MediaError
from airflow_media_provider.hooks.media import MediaHook
from airflow_media_provider.runs.outcome import Outcome, stored_outcome
from airflow_media_provider.runs.rows import report_rows
from airflow_media_provider.runs.stored import StoredPlan, open_plan
from airflow_media_provider.storage import Stores
from beam_jobs.contract.report import ReportRow, Status

MOST_ROWS = 200
NOT_WELL = (Status.FAILED, Status.BLOCKED, Status.QUARANTINED)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """One job's line in the table."""

    name: str
    team: str
    planned: dict[str, int]
    outcome: Outcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """One plan of a run: a DAG may hold several media task groups.

    :param error: why the plan cannot be shown, or "".
    :param rows: the first failed and blocked rows of all jobs.
    """

    task_id: str
    uri: str
    error: str = ""
    plan: StoredPlan | None = None
    jobs: tuple[JobView, ...] = ()
    rows: tuple[ReportRow, ...] = ()


def view_run(dag_id: str, run_id: str) -> list[PlanView]:
    """Return what is known of every media plan in one DAG run."""
    query = XComModel.get_many(run_id=run_id, dag_ids=[dag_id], key="return_value")
    with create_session() as session:
        rows: Iterable[Any] = session.scalars(query)
        found = [(row.task_id, XComModel.deserialize_value(row)) for row in rows]
    stores = MediaHook().stores()
    return [
        _view(task_id, value["plan"], stores)
        for task_id, value in sorted(found, key=lambda pair: str(pair[0]))
        if isinstance(value, dict) and isinstance(value.get("plan"), str) and "jobs" in value
    ]


def _view(task_id: str, uri: str, stores: Stores) -> PlanView:
    try:
        plan = open_plan(uri, stores)
    except (MediaError, OSError, ValueError, KeyError) as error:
        return PlanView(task_id=task_id, uri=uri, error=f"The plan cannot be read: {error}")
    jobs = tuple(
        JobView(
            name=name,
            team=plan.graph.jobs[name].team or "",
            planned=plan.counts[name],
            outcome=stored_outcome(plan, name, stores),
        )
        for name in plan.jobs
    )
    return PlanView(task_id=task_id, uri=uri, plan=plan, jobs=jobs, rows=_rows(plan, stores))


def _rows(plan: StoredPlan, stores: Stores) -> tuple[ReportRow, ...]:
    rows = (
        row
        for name in plan.jobs
        for row in report_rows(plan.layout.job(name), stores)
        if row.status in NOT_WELL
    )
    return tuple(islice(rows, MOST_ROWS))
