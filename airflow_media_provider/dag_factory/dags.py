"""Whole DAGs of a registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from airflow_media_provider.compat import DAG, DAG_DEFAULTS, ParamsDict
from airflow_media_provider.dag_factory.form import trigger_form
from airflow_media_provider.dag_factory.graph import caller_file, graph_at, line_of
from airflow_media_provider.dag_factory.group import TaskOptions, add_line
from airflow_media_provider.dag_factory.wake import (
    as_inlet,
    partition_schedule,
    wake_assets,
    wake_schedule,
)
from airflow_media_provider.operators.request import names
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.timetables import BackfillTimetable

Per = Literal["registry", "target", "team"]


@dataclass(frozen=True, slots=True)
class _Plan:
    """One DAG to make."""

    dag_id: str
    targets: tuple[str, ...]
    own: frozenset[str] | None = None


def media_dags(
    registry: str,
    *,
    overlay: str | None = None,
    per: Per = "registry",
    dag_id: str | None = None,
    targets: Sequence[str] | str = (),
    mode: str = "bottom-up",
    items: Sequence[str] | None = None,
    items_uri: str | None = None,
    prefix: str | None = None,
    team: str | None = None,
    schedule: Any = None,
    partitioned: bool = False,
    on_parents: bool = False,
    on_uploads: bool = False,
    gcp_conn_id: str = "google_cloud_default",
    impersonation_chain: str | Sequence[str] | None = None,
    run_args: dict[str, Any] | None = None,
    params: dict[str, Any] | None = None,
    **dag_kwargs: Any,
) -> dict[str, DAG]:
    """Return DAG id -> DAG; put them into the DAG file's globals: ``globals().update(media_dags(...))``.

    Each DAG has the trigger form. Without a schedule it runs when it is triggered or backfilled.

    :param registry: path (a relative one starts at the DAG file's folder) or ``package.module:NAME``.
    :param overlay: overlay of the registry.
    :param per: one DAG for the ``registry``, one per ``target`` (each job with its ancestors), or one per
        ``team`` (its jobs with their ancestors).
    :param dag_id: instead of the registry's name; with ``per``, the first part of each id.
    :param targets: jobs that the form shows first, and that a run takes which says nothing.
    :param mode: the same for the mode.
    :param items: the selection of a run that says nothing; as ``items_uri`` and ``prefix``, a template.
    :param items_uri: URI of a list file, e.g. ``lists/{{ ds }}.txt``.
    :param prefix: prefix or glob over the source.
    :param team: only this team's DAG, as ``per="team"`` makes it: each team can have a file of its own.
    :param schedule: as of a DAG: cron, asset, timetable.
    :param partitioned: runs have keys of the registry's partitions: ``airflow backfill create`` makes one per
        partition, and what a run makes wakes the DAGs that are partitioned too, one run per key.
    :param on_parents: instead of a schedule, a run whenever another DAG has made artifacts of a parent: for
        these items, and for the DAG's own jobs only.
    :param on_uploads: instead of a schedule, a run for each batch of messages of the registry's ``uploads``.
    :param gcp_conn_id: Google connection, for ``gs://``, Pub/Sub and Dataflow.
    :param impersonation_chain: service account to act as, or a chain of them.
    :param run_args: further arguments of every job's :class:`MediaBeamOperator`, e.g. ``pool``, ``retries``.
    :param params: more fields of the form, or other defaults for its own.
    :param dag_kwargs: further arguments of :class:`DAG`.
    :raises RegistryError: when the registry has faults.
    """
    file = caller_file(1)
    graph = graph_at(registry, overlay=overlay, folder=Path(file).parent)
    waking = on_parents or on_uploads
    if waking and schedule is not None:
        raise ValueError("give either schedule, or on_parents and on_uploads")
    request = {
        "registry": registry,
        "overlay": overlay,
        "mode": mode,
        "items": items,
        "items_uri": items_uri,
        "prefix": prefix,
        "use_params": True,
        "use_partition_key": partitioned,
        "use_events": waking,
        "event_mode": "only" if on_parents else None,
    }
    google: dict[str, Any] = {"gcp_conn_id": gcp_conn_id, "impersonation_chain": impersonation_chain}
    run = {**(run_args or {}), **({"partitioned": True} if partitioned else {})}
    made: dict[str, DAG] = {}
    for plan in _plans(graph, "team" if team else per, dag_id or graph.name, names(targets), team):
        jobs = line_of(graph, targets=plan.targets, mode=mode) if plan.own is not None else graph.order
        assets = wake_assets(graph, plan.own or jobs, on_parents=on_parents, on_uploads=on_uploads, **google)
        wakes = wake_schedule(assets)
        if partitioned:
            wakes = partition_schedule(graph, wakes if waking else schedule)
        # One run after the other: what is announced twice is made once.
        limits = {"max_active_runs": 1} if waking and wakes is not None else {}
        dag = DAG(
            plan.dag_id,
            schedule=wakes if wakes is not None else BackfillTimetable() if schedule is None else schedule,
            params={
                **trigger_form(jobs, targets=plan.targets, mode=mode, partitions=graph.partitions),
                **(params or {}),
            },
            **{
                "tags": _tags(graph, jobs),
                "doc_md": graph_doc(graph, jobs),
                "catchup": False,
                **DAG_DEFAULTS,
                **limits,
                **dag_kwargs,
            },
        )
        dag.fileloc = file  # not this module: a run looks for the registry beside the DAG file
        with dag:
            own_request = {
                **request,
                "targets": plan.targets,
                "line": jobs if plan.own is not None else (),
                # Whoever waits for a key gets all events of that key; others may have to look for more.
                "inlets": [] if partitioned else [as_inlet(asset) for asset in assets],
            }
            add_line(
                graph,
                jobs,
                TaskOptions(run=run, own=plan.own, request=own_request, **google),
            )
        for task in dag.tasks:
            # Airflow copies the form to every task, and serialises each copy; a run's params reach all tasks.
            task.params = ParamsDict()
        made[plan.dag_id] = dag
    return made


def _plans(
    graph: JobGraph, per: Per, prefix: str, targets: tuple[str, ...], team: str | None
) -> Iterator[_Plan]:
    if per == "registry":
        yield _Plan(prefix, targets)
    elif per == "target":
        for job in targets or graph.order:
            yield _Plan(f"{prefix}.{graph.job(job).name}", (job,), frozenset({job}))
    elif per == "team":
        teams = dict.fromkeys(filter(None, (graph.jobs[job].team for job in graph.order)))
        if team is not None and team not in teams:
            raise ValueError(f"team {team!r} has no job in {graph.name!r}; teams: {', '.join(teams)}")
        for name in teams if team is None else (team,):
            jobs = tuple(job for job in graph.order if graph.jobs[job].team == name)
            yield _Plan(f"{prefix}.{name}", jobs, frozenset(jobs))
    else:
        raise ValueError(f"per={per!r} is not known; write 'registry', 'target' or 'team'")


def _tags(graph: JobGraph, jobs: Sequence[str]) -> list[str]:
    return ["media", *sorted({team for job in jobs if (team := graph.jobs[job].team)})]


def graph_doc(graph: JobGraph, jobs: Sequence[str]) -> str:
    """Return the jobs as a table for the DAG's page."""
    rows = ["| job | needs | step | team | max failed |", "|---|---|---|---|---|"]
    for name in jobs:
        job = graph.jobs[name]
        cells = (name, ", ".join(job.needs), f"`{job.step}`", job.team or "", str(job.max_failed))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join((f"Media jobs of `{graph.name}`. Artifacts are under `{graph.root}`.", "", *rows))
