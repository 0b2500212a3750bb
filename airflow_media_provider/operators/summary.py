"""The last task of a run: its colour is the run's colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_media_provider.compat import AirflowException, AirflowSkipException, BaseOperator, TriggerRule
from airflow_media_provider.hooks.media import MediaHook
from airflow_media_provider.links.media import MediaPlanLink

if TYPE_CHECKING:
    from airflow_media_provider.compat import Context
    from airflow_media_provider.runs.outcome import Outcome
    from airflow_media_provider.runs.stored import StoredPlan
    from airflow_media_provider.storage import Stores

COUNTS = ("done", "present", "failed", "blocked")


class MediaSummaryOperator(BaseOperator):
    """Say what became of every job of a plan; fail when a job failed, or did not get to its end.

    A DAG run is judged by its last tasks only. This one runs whatever happened before it, so a run is
    green when all that could be done was done, and red when losses passed a limit anywhere on the way.
    XCom: ``{JOB: {"done": n, "present": n, "failed": n, "blocked": n}}``.

    :param plan: URI of the run's folder.
    :param skipped: why there is no plan, when the plan task had nothing to plan.
    :param gcp_conn_id: Google connection, for ``gs://``.
    :param impersonation_chain: service account to act as, or a chain of them.
    """

    template_fields: Sequence[str] = ("plan", "skipped", "gcp_conn_id", "impersonation_chain")
    operator_extra_links = (MediaPlanLink(),)
    ui_color = "#f1f3f4"

    def __init__(
        self,
        *,
        plan: str,
        skipped: str = "",
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"trigger_rule": TriggerRule.ALL_DONE, **kwargs})
        self.plan = plan
        self.skipped = skipped
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    def execute(self, context: Context) -> dict[str, dict[str, int]]:
        """Log a table and judge."""
        from airflow_media_provider.errors import MediaError
        from airflow_media_provider.runs.outcome import stored_outcome
        from airflow_media_provider.runs.stored import open_plan

        if self.skipped:
            raise AirflowSkipException(self.skipped)
        if not self.plan:
            raise AirflowException("there is no plan, so nothing was run; see the plan task")
        stores = MediaHook(self.gcp_conn_id, self.impersonation_chain).stores()
        try:
            plan = open_plan(self.plan, stores)
            outcomes = {job: stored_outcome(plan, job, stores) for job in plan.jobs}
        except MediaError as error:
            raise AirflowException(str(error)) from error
        if plan.dry_run:
            self.log.info("Dry run. %s", plan.line())
            return {}
        self._log_table(plan, outcomes, stores)
        faults = [fault for job, outcome in outcomes.items() if (fault := _fault(job, outcome))]
        if faults:
            raise AirflowException("; ".join(faults))
        return {job: _counts(outcome) for job, outcome in outcomes.items()}

    def _log_table(self, plan: StoredPlan, outcomes: dict[str, Outcome | None], stores: Stores) -> None:
        width = max(map(len, (*plan.jobs, "job")))
        header = "".join(f"{name:>10}" for name in COUNTS)
        rows = [f"{'job':<{width}}{header}"]
        for job, outcome in outcomes.items():
            numbers = "".join(f"{count:>10}" for count in _counts(outcome).values())
            rows.append(f"{job:<{width}}{numbers}" if outcome else f"{job:<{width}}  did not get to its end")
        self.log.info("%s\n%s", plan.layout.uri, "\n".join(rows))
        total = {name: sum(_counts(outcome)[name] for outcome in outcomes.values()) for name in COUNTS}
        self.log.info("%s", ", ".join(f"{count} {name}" for name, count in total.items()))


def _counts(outcome: Outcome | None) -> dict[str, int]:
    return {name: outcome.counts.get(name, 0) if outcome else 0 for name in COUNTS}


def _fault(job: str, outcome: Outcome | None) -> str | None:
    if outcome is None:
        return f"job {job!r} did not get to its end; see its task"
    if outcome.exceeded:
        return (
            f"job {job!r}: {outcome.counts['failed']} of {outcome.attempted} items failed, more than "
            f"max_failed={outcome.max_failed}; see {outcome.report}"
        )
    return None
