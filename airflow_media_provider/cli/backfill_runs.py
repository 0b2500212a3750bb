"""The DAG runs of a backfill, in Airflow's own database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_media_provider.errors import PlanError

ENDED = ("success", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRuns:
    """Starts, finds and repeats runs of one DAG.

    :param partitioned: whether its runs have partition keys.
    """

    dag_id: str
    partitioned: bool

    @classmethod
    def of(cls, dag_id: str) -> DagRuns:
        """Return the runs of a DAG that can run now.

        :raises PlanError: when there is no such DAG, or nothing would start its runs.
        """
        from airflow.models.dag import DagModel
        from airflow.models.serialized_dag import SerializedDagModel
        from airflow.utils.session import create_session
        from sqlalchemy.exc import DBAPIError

        with create_session() as session:
            try:
                model = session.get(DagModel, dag_id)
                stored = SerializedDagModel.get(dag_id, session=session)
            except DBAPIError as error:
                raise PlanError(
                    f"Airflow's database cannot be read ({error.orig}); a backfill makes DAG runs, so run it "
                    "where 'airflow dags list' works"
                ) from error
            if model is None or stored is None:
                raise PlanError(
                    f"no DAG {dag_id!r} in Airflow's database; give --dag-id, or see 'airflow dags list'"
                )
            if model.is_paused:
                raise PlanError(
                    f"DAG {dag_id!r} is paused, so no run would start; first: airflow dags unpause {dag_id}"
                )
            return cls(dag_id=dag_id, partitioned=bool(getattr(stored.dag.timetable, "partitioned", False)))

    def states(self, prefix: str) -> dict[str, str]:
        """Return the state of every run whose id begins with ``prefix``."""
        from airflow.models.dagrun import DagRun
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            rows = session.execute(
                select(DagRun.run_id, DagRun.state).where(
                    DagRun.dag_id == self.dag_id, DagRun.run_id.startswith(prefix, autoescape=True)
                )
            )
            return {run_id: str(getattr(state, "value", state)) for run_id, state in rows}

    def start(self, run_id: str, conf: dict[str, Any], partition: str | None) -> None:
        """Queue a run; one of this name that somebody else has queued meanwhile is taken as it is."""
        from airflow.api.common.trigger_dag import trigger_dag
        from airflow.exceptions import DagRunAlreadyExists
        from airflow.utils.types import DagRunTriggeredByType

        try:
            trigger_dag(
                dag_id=self.dag_id,
                run_id=run_id,
                conf=conf,
                triggered_by=DagRunTriggeredByType.CLI,
                partition_key=partition if self.partitioned else None,
            )
        except DagRunAlreadyExists:
            return
        except ValueError as error:
            raise PlanError(f"DAG {self.dag_id!r} does not take the run {run_id!r}: {error}") from error

    def again(self, run_id: str) -> None:
        """Queue all tasks of an ended run again: what exists is present to its new plan."""
        from airflow.models.serialized_dag import SerializedDagModel
        from airflow.utils.session import create_session
        from airflow.utils.state import DagRunState

        with create_session() as session:
            stored = SerializedDagModel.get(self.dag_id, session=session)
            if stored is None:
                raise PlanError(f"DAG {self.dag_id!r} is no longer in Airflow's database")
            stored.dag.clear(run_id=run_id, dag_run_state=DagRunState.QUEUED, session=session)
