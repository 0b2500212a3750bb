"""The tasks of a line of jobs: plan, then per job look and run, then a summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_media_provider.compat import TaskGroup, TriggerRule
from airflow_media_provider.dag_factory.assets import job_asset
from airflow_media_provider.dag_factory.graph import caller_folder, graph_at, line_of
from airflow_media_provider.operators.beam import MediaBeamOperator
from airflow_media_provider.operators.plan import MediaPlanOperator
from airflow_media_provider.operators.request import names
from airflow_media_provider.operators.summary import MediaSummaryOperator
from airflow_media_provider.registry.groups import units
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.sensors.media import MediaOutputSensor


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """What the tasks of a line have in common.

    :param gcp_conn_id: Google connection, with ``impersonation_chain``.
    :param own: jobs whose artifacts are announced as assets; None = all. What a team makes of another's
        jobs, because it lacks them, wakes nobody.
    :param request: arguments of :class:`MediaPlanOperator`.
    :param run: further arguments of each :class:`MediaBeamOperator`.
    """

    gcp_conn_id: str = "google_cloud_default"
    impersonation_chain: str | Sequence[str] | None = None
    own: frozenset[str] | None = None
    request: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)


class MediaTaskGroup(TaskGroup):
    """A line of jobs as one task group, for a DAG that has other tasks too.

    Holds ``plan``, per job ``JOB.outputs`` and ``JOB.run``, and ``summary``, which fails when a job failed;
    so what comes after the group follows the group's fate. The number of tasks depends on the jobs only.

    :param group_id: prefix of the task ids.
    :param registry: path (a relative one starts at the DAG file's folder) or ``package.module:NAME``.
    :param targets: jobs; none = all.
    :param mode: ``bottom-up``, ``top-down`` or ``only``.
    :param items: ids, or text with one per line; as ``items_uri`` and ``prefix``, a template.
    :param items_uri: URI of a list file.
    :param prefix: prefix or glob over the source.
    :param partition: key of one of the registry's partitions, e.g. ``{{ partition_key or '' }}``.
    :param inventory_uri: saved inventory in place of listings.
    :param force: jobs to do again, with what depends on them.
    :param force_all: do the whole line again.
    :param ping: trace the items, do no work.
    :param limit: at most so many items.
    :param use_params: let the DAG run's params of these names win.
    :param gcp_conn_id: Google connection, for ``gs://``, Pub/Sub and Dataflow.
    :param impersonation_chain: service account to act as, or a chain of them.
    :param run_args: further arguments of every job's :class:`MediaBeamOperator`, e.g. ``pool``.
    """

    def __init__(
        self,
        group_id: str = "media",
        *,
        registry: str,
        overlay: str | None = None,
        targets: Sequence[str] | str | None = None,
        mode: str = "bottom-up",
        items: Sequence[str] | str | None = None,
        items_uri: str | None = None,
        prefix: str | None = None,
        partition: str | None = None,
        inventory_uri: str | None = None,
        force: Sequence[str] | str = (),
        force_all: bool = False,
        ping: bool = False,
        limit: int | None = None,
        use_params: bool = False,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        run_args: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(group_id=group_id, **kwargs)
        graph = graph_at(registry, overlay=overlay, folder=caller_folder(1))
        options = TaskOptions(
            gcp_conn_id=gcp_conn_id,
            impersonation_chain=impersonation_chain,
            run=run_args or {},
            own=frozenset(names(targets or ())) or None,
            request={
                "registry": registry,
                "overlay": overlay,
                "targets": targets,
                "mode": mode,
                "items": items,
                "items_uri": items_uri,
                "prefix": prefix,
                "partition": partition,
                "inventory_uri": inventory_uri,
                "force": force,
                "force_all": force_all,
                "ping": ping,
                "limit": limit,
                "use_params": use_params,
            },
        )
        wanted = names(targets or ())
        with self:
            line = add_line(graph, line_of(graph, targets=wanted, mode=mode), options)
        self.plan, self.runs, self.summary = line.plan, line.runs, line.summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The tasks of a line.

    :param runs: job -> the task that runs it.
    """

    plan: MediaPlanOperator
    runs: dict[str, MediaBeamOperator]
    summary: MediaSummaryOperator


def add_line(graph: JobGraph, jobs: Sequence[str], options: TaskOptions) -> Line:
    """Put the tasks of ``jobs`` into the DAG or group that is open.

    A job looks at storage once its parents have ended, however they ended: it goes on for the items that
    have inputs. Of a fused group the first job's task does the work of all; the sensors of the others follow
    it, and their tasks judge their own reports.
    """
    google: dict[str, Any] = {
        "gcp_conn_id": options.gcp_conn_id, "impersonation_chain": options.impersonation_chain,
    }  # fmt: skip
    plan = MediaPlanOperator(
        task_id="plan",
        **google,
        doc_md="Decide what must run, and why.",
        **options.request,
    )
    where = f"{{{{ (ti.xcom_pull(task_ids={plan.task_id!r}) or {{}}).get('plan') or '' }}}}"
    skipped = f"{{{{ ti.xcom_pull(task_ids={plan.task_id!r}, key='skipped') or '' }}}}"
    summary = MediaSummaryOperator(task_id="summary", plan=where, skipped=skipped, **google)
    runs: dict[str, MediaBeamOperator] = {}
    unit_of = {job: unit for unit in units(graph, jobs) for job in unit}
    for job in (job for unit in dict.fromkeys(unit_of.values()) for job in unit):
        unit = unit_of[job]
        leads = len(unit) > 1 and job == unit[0]
        with TaskGroup(group_id=job, tooltip=_tooltip(graph, job)):
            outputs = MediaOutputSensor(
                task_id="outputs", job=job, plan=where, min_coverage=0, deferrable=False,
                trigger_rule=TriggerRule.ALL_DONE, **google,
            )  # fmt: skip
            run = MediaBeamOperator(
                task_id="run", job=job, plan=where, manifest=outputs.output,
                outlets=[job_asset(graph, job)] if options.own is None or job in options.own else [],
                fused=[other for other in unit if other != job] if leads else (),
                trigger_rule=TriggerRule.NONE_FAILED,
                **google, **options.run,
            )  # fmt: skip
        plan >> outputs >> run >> summary
        # What any job of a fused group needs from outside must be there when the group begins.
        needs = {parent for member in (unit if leads else (job,)) for parent in graph.jobs[member].parents}
        if not leads and len(unit) > 1:
            needs = {unit[0]}
        for parent in graph.sort(needs):
            if parent in runs:
                runs[parent] >> outputs
        runs[job] = run
    return Line(plan=plan, runs=runs, summary=summary)


def _tooltip(graph: JobGraph, job: str) -> str:
    entry = graph.jobs[job]
    owner = f" ({entry.team})" if entry.team else ""
    return f"{entry.doc or entry.step}{owner}"
