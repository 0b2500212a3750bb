"""Real DAG runs in this process: Airflow's own task runner, its database, its execution API."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of a DAG run.

    :param states: task id -> state.
    :param xcoms: task id -> return value, of the tasks that returned something.
    :param events: extra of each asset event, by the asset's name.
    """

    run_id: str
    state: str
    states: dict[str, str]
    xcoms: dict[str, Any]
    events: dict[str, dict[str, Any]]


def run_dag(path: Path, dag_id: str, *, conf: dict[str, Any] | None = None, **more: Any) -> Run:
    """Run the DAG ``dag_id`` of the file ``path`` once, to its end."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(path), bundle_name="dags-folder")
    assert not bag.import_errors, bag.import_errors
    made = bag.dags[dag_id].test(run_conf=conf, **more)
    return read_run(dag_id, made.run_id)


def read_run(dag_id: str, run_id: str) -> Run:
    """Return what the database says of a run."""
    from airflow.models.asset import AssetEvent
    from airflow.models.dagrun import DagRun
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    with create_session() as session:
        run = session.query(DagRun).filter_by(dag_id=dag_id, run_id=run_id).one()
        values = session.query(XComModel).filter_by(dag_id=dag_id, run_id=run_id, key="return_value")
        events = session.query(AssetEvent).filter_by(source_dag_id=dag_id, source_run_id=run_id)
        return Run(
            run_id=run_id,
            state=str(run.state),
            states={ti.task_id: str(ti.state) for ti in run.get_task_instances(session=session)},
            xcoms={value.task_id: XComModel.deserialize_value(value) for value in values},
            events={event.asset.name: dict(event.extra) for event in events},
        )
