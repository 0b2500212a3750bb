"""The task that plans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_media_provider.compat import AirflowException, AirflowSkipException, BaseOperator
from airflow_media_provider.hooks.media import MediaHook
from airflow_media_provider.hooks.registry import read_graph
from airflow_media_provider.links.media import MediaPlanLink
from airflow_media_provider.operators.events import has_events, lists_of_events
from airflow_media_provider.operators.request import (
    FIELDS,
    OF_SELECTORS,
    SELECTORS,
    add_partition,
    check_arguments,
    merge_request,
)

if TYPE_CHECKING:
    from airflow_media_provider.compat import Context
    from airflow_media_provider.registry.model import JobGraph
    from airflow_media_provider.runs.stored import StoredPlan
    from airflow_media_provider.storage import Stores

SHOWN = 20
"""Rejected lines that a log shows; the rest is in the run's folder."""


class MediaPlanOperator(BaseOperator):
    """Decide what must run for a selection of items, and write it down.

    Reads the selection, lists what exists in bulk, and writes a plan with one manifest per job into the
    run's folder under the registry's root. XCom carries the folder and counts only::

        {"plan": URI, "items": n, "rejected": n, "dry_run": bool,
         "jobs": {JOB: {"run": n, "present": n, "blocked": n}}}

    The folder has a key of its own too, for ``MediaBeamOperator(plan=plan.output["plan"], …)``.

    :param registry: path of the registry (a relative one starts at the DAG file's folder), or
        ``package.module:NAME``.
    :param overlay: overlay of the registry, e.g. per environment.
    :param targets: jobs; none = the jobs at the end of the graph.
    :param mode: ``bottom-up``, ``top-down`` or ``only``.
    :param items: ids, or text with one per line.
    :param items_uri: URI of a list file.
    :param prefix: prefix or glob over the source.
    :param items_query: of BigQuery; its result has a column with the items.
    :param items_column: column of the list or result that has the item; None = ``item``.
    :param items_filter: rows of the list to take, e.g. ``country == "SE" and year >= 2020``.
    :param partition: key of one of the registry's partitions, e.g. ``{{ partition_key or '' }}``.
    :param inventory_uri: saved inventory in place of listings: a report of Storage Insights, its manifest, or
        the folder of all reports (the newest).
    :param leave_out: URI of a file of cells that are not tried, with ``job`` and ``item`` per line.
    :param force: jobs to do again, with what depends on them.
    :param force_all: do the whole line again.
    :param ping: trace the items, do no work.
    :param dry_run: plan only; every job is skipped.
    :param limit: at most so many items.
    :param use_params: let the run's params (the trigger form) win over these arguments.
    :param use_partition_key: in a run with a partition key, take that partition instead of these arguments'
        items; of shards, that part of them.
    :param use_events: in a run that assets woke, take the items that their events name: what parents have
        made, and what was uploaded.
    :param event_mode: mode of a run that parents woke; None = ``mode``.
    :param line: the jobs that the DAG has tasks for; an item that asks for another is rejected.
    :param gcp_conn_id: Google connection, for ``gs://``.
    :param impersonation_chain: service account to act as, or a chain of them.
    """

    template_fields: Sequence[str] = (
        "registry", "overlay", "targets", "mode", "items", "items_uri", "prefix", "items_query",
        "items_column", "items_filter", "partition",
        "inventory_uri", "leave_out", "force", "gcp_conn_id", "impersonation_chain",
    )  # fmt: skip
    operator_extra_links = (MediaPlanLink(),)
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        registry: str,
        overlay: str | None = None,
        targets: Sequence[str] | str | None = None,
        mode: str = "bottom-up",
        items: Sequence[str] | str | None = None,
        items_uri: str | None = None,
        prefix: str | None = None,
        items_query: str | None = None,
        items_column: str | None = None,
        items_filter: str | None = None,
        partition: str | None = None,
        inventory_uri: str | None = None,
        leave_out: str | None = None,
        force: Sequence[str] | str = (),
        force_all: bool = False,
        ping: bool = False,
        dry_run: bool = False,
        limit: int | None = None,
        use_params: bool = False,
        use_partition_key: bool = False,
        use_events: bool = False,
        event_mode: str | None = None,
        line: Sequence[str] = (),
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_arguments(
            self.task_id, mode=mode, limit=limit, required=not (use_params or use_events or partition),
            selectors={
                "items": items, "items_uri": items_uri, "prefix": prefix, "items_query": items_query,
            },
        )  # fmt: skip
        self.registry = registry
        self.overlay = overlay
        self.targets = targets
        self.mode = mode
        self.items = items
        self.items_uri = items_uri
        self.prefix = prefix
        self.items_query = items_query
        self.items_column = items_column
        self.items_filter = items_filter
        self.partition = partition
        self.inventory_uri = inventory_uri
        self.leave_out = leave_out
        self.force = force
        self.force_all = force_all
        self.ping = ping
        self.dry_run_plan = dry_run  # BaseOperator.dry_run is a method
        self.limit = limit
        self.use_params = use_params
        self.use_partition_key = use_partition_key
        self.use_events = use_events
        self.event_mode = event_mode
        self.line = tuple(line)
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    def execute(self, context: Context) -> dict[str, Any]:
        """Plan, and return where the plan is and its counts."""
        from airflow_media_provider.errors import EmptySelection, MediaError
        from airflow_media_provider.runs.outcome import forget_outcome

        graph = read_graph(self.registry, overlay=self.overlay, dag=self.dag)
        if self.line:
            graph = graph.subset(self.line)
        stores = MediaHook(self.gcp_conn_id, self.impersonation_chain).stores()
        try:
            plan = self._plan(context, graph, stores)
            for job in plan.jobs:
                forget_outcome(plan, job, stores)
        except EmptySelection as error:
            if self.use_events and has_events(context):
                why = f"the events that woke this run name no items: {error}"
                self._skip(context, why, self._folder(context, graph), stores)
            raise AirflowException(str(error)) from error
        except MediaError as error:
            raise AirflowException(str(error)) from error
        self._log_rejected(plan, stores)
        self.log.info("Plan: %s", plan.layout.uri)
        context["ti"].xcom_push(key="plan", value=plan.layout.uri)
        self.log.info("%s", plan.line())
        return {
            "plan": plan.layout.uri,
            "items": plan.items,
            "rejected": plan.rejected,
            "dry_run": plan.dry_run,
            "jobs": plan.counts,
        }

    def _plan(self, context: Context, graph: JobGraph, stores: Stores) -> StoredPlan:
        """Plan until no batch of the plan has become another plan's while this one was made."""
        from airflow_media_provider.intake.batches import mark_planned
        from airflow_media_provider.runs.here import plan_and_save
        from airflow_media_provider.runs.request import parse_request

        run_id = self._run_id(context)
        while True:
            values, batches = self._values(context, self._folder(context, graph), stores)
            if not (self.use_events and has_events(context)):
                values = self._sliced(values, context, graph)
            plan = plan_and_save(graph, parse_request(values), stores=stores, run_id=run_id)
            # The mark comes after the plan: a task that dies before leaves the batch to whoever comes.
            if plan.dry_run or not (lost := mark_planned(batches, plan.layout.uri, stores)):
                return plan
            self.log.info("Another run has taken up %s meanwhile; planning without", ", ".join(lost))

    def _values(self, context: Context, plan: str, stores: Stores) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Return the request of this run, and the batches of uploads that it takes up."""
        from airflow_media_provider.intake.batches import take_up
        from airflow_media_provider.intake.layout import is_batch

        if not (self.use_events and has_events(context)):
            values = merge_request(self._own(), context["params"] if self.use_params else {}, context)
            uri = values.get("items_uri")
            # Whoever names a batch in the form means it, whoever else has taken it up.
            named = [uri] if isinstance(uri, str) and uri == self.items_uri and is_batch(uri) else []
            if named and not take_up(named, plan, stores):
                self._skip(context, f"another run has taken up {uri}", plan, stores)
            return values, tuple(named)
        lists = lists_of_events(context)
        batches = tuple(take_up(lists.batches, plan, stores))
        if not (lists.made or batches):
            why = "the events that woke this run name no items that no other run has taken up"
            self._skip(context, why, plan, stores)
        own = {name: value for name, value in self._own().items() if name not in (*SELECTORS, *OF_SELECTORS)}
        if self.event_mode and not batches:
            own["mode"] = self.event_mode
        self.log.info("Items of the events: %s", ", ".join((*lists.made, *batches)))
        return merge_request({**own, "items_uri": (*lists.made, *batches)}, {}, context), batches

    def _sliced(self, values: dict[str, Any], context: Context, graph: JobGraph) -> dict[str, Any]:
        """Return the request with the partition that the run or its form names."""
        form = context["params"] if self.use_params else {}
        key = context.get("partition_key") if self.use_partition_key else None
        return add_partition(values, form, key, graph.partitions)

    def _skip(self, context: Context, why: str, folder: str, stores: Stores) -> NoReturn:
        """Skip this task, and tell the summary why there is nothing to judge.

        A plan of an earlier try, or of batches that became another run's, does not stay: nobody will do it.
        """
        from airflow_media_provider.runs.layout import RunLayout
        from airflow_media_provider.runs.stored import forget_plan

        forget_plan(RunLayout(folder), stores)
        context["ti"].xcom_push(key="skipped", value=why)
        raise AirflowSkipException(why)

    def _own(self) -> dict[str, Any]:
        return {name: self.dry_run_plan if name == "dry_run" else getattr(self, name) for name in FIELDS}

    def _run_id(self, context: Context) -> str:
        """Return one folder name per DAG run and plan task: a retry writes over its forerunner's plan."""
        return f"{self.dag_id}.{self.task_id}.{context['run_id']}"

    def _folder(self, context: Context, graph: JobGraph) -> str:
        from airflow_media_provider.runs.layout import RunLayout

        return RunLayout.of(graph.root, self._run_id(context)).uri

    def _log_rejected(self, plan: StoredPlan, stores: Stores) -> None:
        if not plan.rejected:
            return
        rejected = stores.for_uri(plan.layout.rejected).read(plan.layout.rejected).decode().splitlines()
        for line in rejected[:SHOWN]:
            self.log.warning("Rejected: %s", line)
        if len(rejected) > SHOWN:
            self.log.warning("… and %d more: %s", len(rejected) - SHOWN, plan.layout.rejected)
