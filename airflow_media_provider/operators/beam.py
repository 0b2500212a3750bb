"""The task that runs one job of a plan."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_media_provider.compat import AirflowException, AirflowSkipException, BaseOperator, conf
from airflow_media_provider.hooks.media import MediaHook
from airflow_media_provider.links.media import REMOTE_JOB_KEY, MediaRemoteJobLink, MediaReportLink

if TYPE_CHECKING:
    from airflow_media_provider.compat import Context
    from airflow_media_provider.operators.dataflow import RemoteJob
    from airflow_media_provider.runners.launch import Worker
    from airflow_media_provider.runs.look import JobManifest
    from airflow_media_provider.runs.made import Made
    from airflow_media_provider.runs.outcome import Outcome
    from airflow_media_provider.runs.stored import StoredPlan
    from airflow_media_provider.storage import Stores


class MediaBeamOperator(BaseOperator):
    """Run one job of a plan as one Beam job, wait for it, and judge it by its report.

    Skips itself when nothing is left to run, so that a run over finished work is green and quick. Fails
    when more items failed than the job's ``max_failed``. An asset among ``outlets`` gets the counts as the
    ``extra`` of its event. Running it again is safe: the worker skips what exists, and a Dataflow job of
    the same run is attached to, not started twice.

    :param job: name in the registry.
    :param plan: URI of the run's folder, from :class:`MediaPlanOperator`.
    :param manifest: what the job's ``MediaOutputSensor`` returned; None = look again here.
    :param python: interpreter that has the worker's packages; default ``[media] python``, else this one.
    :param deferrable: give the slot away while a Dataflow job runs. A local one needs its slot.
    :param poll_interval: seconds between two looks at a remote job.
    :param fused: jobs that are done together with this one, in one Beam job; the tasks of the others then
        judge their own reports. All of them are done also when this job itself has nothing to do.
    :param partitioned: who listens to the outlets waits for partition keys; an event gets the key of the
        plan's partition when the DAG run itself has none.
    :param gcp_conn_id: Google connection, for ``gs://`` and Dataflow.
    :param impersonation_chain: service account to act as, or a chain of them.
    """

    template_fields: Sequence[str] = ("plan", "manifest", "gcp_conn_id", "impersonation_chain")
    operator_extra_links = (MediaReportLink(), MediaRemoteJobLink())
    ui_color = "#e6f4ea"

    def __init__(
        self,
        *,
        job: str,
        plan: str,
        manifest: Any = None,
        python: str | None = None,
        deferrable: bool | None = None,
        poll_interval: float = 30.0,
        fused: Sequence[str] = (),
        partitioned: bool = False,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.plan = plan
        self.manifest = manifest
        self.python = python
        self.deferrable = (
            conf.getboolean("operators", "default_deferrable", fallback=False)
            if deferrable is None
            else deferrable
        )
        self.poll_interval = poll_interval
        self.fused = tuple(fused)
        self.partitioned = partitioned
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain
        self.remote_url = ""
        self._worker: Worker | None = None
        self._remote: RemoteJob | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Run what is left of the job, and return its counts and where its report is."""
        stores = MediaHook(self.gcp_conn_id, self.impersonation_chain).stores()
        plan, manifest = self._open(stores)
        if plan.dry_run:
            raise AirflowSkipException(f"dry run: {manifest.line()}")
        group = self._group(plan, manifest, stores)
        given = [member for member in group if member.run]
        if given and plan.graph.jobs[self.job].runner.name == "dataflow":
            manifest, given = self._run_on_dataflow(plan, manifest, given, stores, context)
        elif given:  # the worker itself waits for any other remote job
            self._run_here(plan, given, stores)
        return self._end(plan, manifest, given, stores, context)

    def _end(
        self,
        plan: StoredPlan,
        manifest: JobManifest,
        given: list[JobManifest],
        stores: Stores,
        context: Context,
    ) -> dict[str, Any]:
        from airflow_media_provider.runs.fuse import hand_over

        hand_over(plan, [member for member in given if member.job != self.job], stores)
        if self.job not in plan.jobs:
            raise AirflowSkipException(_absence(self.job, plan))
        if not manifest.run:
            return self._nothing_left(plan, manifest, stores, context)
        return self._finish(plan, manifest, stores, context)

    def _nothing_left(
        self, plan: StoredPlan, manifest: JobManifest, stores: Stores, context: Context
    ) -> dict[str, Any]:
        """Skip; but when others have made meanwhile what this run was to make, say so as if it had."""
        from airflow_media_provider.runs.made import write_made

        if not write_made(plan, manifest, stores).items:
            outcome = self._judge(plan, manifest, stores)
            raise AirflowSkipException(f"nothing to run: {outcome.line()}")
        return self._finish(plan, manifest, stores, context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Go on when the remote job has ended."""
        from airflow_media_provider.runs.fuse import read_given
        from airflow_media_provider.runs.look import JobManifest

        self.remote_url = event["url"]
        if event["state"] != "JOB_STATE_DONE":
            raise AirflowException(
                f"job {self.job!r}: Dataflow job {event['job_id']} ended as {event['state']}; "
                f"see {event['url']}"
            )
        stores = MediaHook(self.gcp_conn_id, self.impersonation_chain).stores()
        plan, _ = self._open(stores, look=False)
        given = read_given(plan, self.job, stores)
        return self._end(plan, JobManifest(**event["manifest"]), given, stores, context)

    def on_kill(self) -> None:
        """End what this task started."""
        if self._worker is not None:
            self.log.info("Stopping the worker of job %s", self.job)
            self._worker.kill()
        if self._remote is not None:
            self._remote.cancel()

    def _open(self, stores: Stores, *, look: bool = True) -> tuple[StoredPlan, JobManifest]:
        from airflow_media_provider.errors import MediaError
        from airflow_media_provider.runs.look import JobManifest, planned_manifest
        from airflow_media_provider.runs.outcome import forget_outcome
        from airflow_media_provider.runs.stored import open_plan

        if not self.plan:
            raise AirflowSkipException("there is no plan; see the plan task")
        try:
            plan = open_plan(self.plan, stores)
            if plan.graph.job(self.job).name not in plan.jobs:
                if not any(job in plan.jobs for job in self.fused):
                    raise AirflowSkipException(_absence(self.job, plan))
                return plan, JobManifest(job=self.job, uri="", run=0, present=0, blocked=0)
            if plan.dry_run or not look:
                return plan, planned_manifest(plan, self.job)
            forget_outcome(plan, self.job, stores)
            return plan, self._manifest(plan, stores)
        except MediaError as error:
            raise AirflowException(str(error)) from error

    def _manifest(self, plan: StoredPlan, stores: Stores) -> JobManifest:
        """Return what the sensor found, or look."""
        from airflow_media_provider.runs.look import JobManifest, look_again

        if not isinstance(self.manifest, dict):
            return look_again(plan, self.job, stores)
        given = {key: self.manifest[key] for key in ("run", "present", "blocked")}
        return JobManifest(job=self.job, uri=self.manifest["manifest"], **given)

    def _group(self, plan: StoredPlan, manifest: JobManifest, stores: Stores) -> list[JobManifest]:
        """Return what this task has to do: its own job, unless it is done, and those fused with it."""
        from airflow_media_provider.errors import MediaError
        from airflow_media_provider.runs.fuse import look_at_group, take_over

        try:
            if self.fused:
                jobs = [job for job in plan.jobs if job == self.job or job in self.fused]
                return look_at_group(plan, jobs, stores, first=manifest)
            done = take_over(plan, self.job, stores)
        except MediaError as error:
            raise AirflowException(str(error)) from error
        if done is not None:
            self.log.info("Done together with others; see the task that leads the group")
        return [] if done is not None else [manifest]

    def _run_here(self, plan: StoredPlan, given: list[JobManifest], stores: Stores) -> None:
        from airflow_media_provider.errors import MediaError
        from airflow_media_provider.runners.launch import launch

        try:
            spec = self._write(plan, given, stores)
            result = launch(
                [spec],
                python=self._python(),
                on_event=self._show,
                on_line=lambda line: self.log.info("%s", line),
                on_start=self._remember,
            )
        except MediaError as error:
            raise AirflowException(str(error)) from error
        finally:
            self._worker = None
        if result.exit_code:
            raise AirflowException(
                f"job {self.job!r}: the worker ended with code {result.exit_code}: {result.last_line}"
            )

    def _write(self, plan: StoredPlan, given: list[JobManifest], stores: Stores) -> str:
        from airflow_media_provider.runs.fuse import write_group

        spec = write_group(plan, given, stores, leader=self.job)
        self.log.info("Launch spec: %s", spec)
        return spec

    def _run_on_dataflow(
        self,
        plan: StoredPlan,
        manifest: JobManifest,
        given: list[JobManifest],
        stores: Stores,
        context: Context,
    ) -> tuple[JobManifest, list[JobManifest]]:
        """Wait for the run's job on Dataflow, and return what it was given to do."""
        from airflow_media_provider.operators.dataflow import attach_or_submit

        remote = attach_or_submit(
            plan, manifest, given, stores, write=lambda: self._write(plan, given, stores),
            python=self._python(), gcp_conn_id=self.gcp_conn_id, impersonation_chain=self.impersonation_chain,
            log=self.log, on_start=self._remember,
        )  # fmt: skip
        self._worker = None
        self._remote = remote
        self.remote_url = remote.url
        context["ti"].xcom_push(key=REMOTE_JOB_KEY, value={"job_id": remote.job_id, "url": remote.url})
        if self.deferrable:
            self.defer(trigger=remote.trigger(self.poll_interval), method_name="execute_complete")
        remote.wait(self.poll_interval)
        self._remote = None
        return remote.manifest, remote.given

    def _finish(
        self, plan: StoredPlan, manifest: JobManifest, stores: Stores, context: Context
    ) -> dict[str, Any]:
        from airflow_media_provider.runs.made import write_made
        from airflow_media_provider.runs.owed import owe, owed, settle

        outcome = self._judge(plan, manifest, stores)
        if outcome.exceeded:
            from airflow_media_provider.errors import LossesExceeded

            owe(plan, self.job, write_made(plan, manifest, stores), stores)
            try:
                outcome.raise_for_losses()
            except LossesExceeded as error:
                raise AirflowException(str(error)) from error
        debts = owed(plan, self.job, stores)
        made = write_made(plan, manifest, stores, also=[debt.uri for debt in debts])
        self._announce(plan, made, stores)
        for outlet in self.outlets:
            event = context["outlet_events"][outlet]
            event.extra.update(self._extra(plan, outcome, made))
            # A run's own key is on its events anyway; one from the form is not.
            if plan.partition and self.partitioned and not context.get("partition_key"):
                event.add_partitions(plan.partition)
        settle(debts, stores)
        return {"counts": outcome.counts, "report": outcome.report}

    def _announce(self, plan: StoredPlan, made: Made, stores: Stores) -> None:
        """Tell listeners outside Airflow, where the job has a topic for them."""
        topic = plan.graph.jobs[self.job].completion_topic
        if not topic:
            return
        from airflow_media_provider.hooks.pubsub import MediaPubSub
        from airflow_media_provider.intake.publish import publish
        from airflow_media_provider.runs.made import completions

        messages = (
            (message.model_dump_json().encode(), message.attributes())
            for message in completions(plan, self.job, made, stores)
        )
        pubsub = MediaPubSub(self.gcp_conn_id, self.impersonation_chain)
        count = publish(pubsub.publisher(), topic, messages)
        self.log.info("%d completion messages to %s", count, topic)

    def _extra(self, plan: StoredPlan, outcome: Outcome, made: Made) -> dict[str, Any]:
        return {
            "job": self.job,
            **outcome.counts,
            "plan": plan.layout.uri,
            "manifest": made.uri,
            "items": made.items,
            "report": outcome.report,
            **({"partition": plan.partition} if plan.partition else {}),
        }

    def _judge(self, plan: StoredPlan, manifest: JobManifest, stores: Stores) -> Outcome:
        from airflow_media_provider.errors import MediaError
        from airflow_media_provider.runs.outcome import read_outcome

        try:
            outcome = read_outcome(plan, manifest, stores)
        except MediaError as error:
            raise AirflowException(str(error)) from error
        self.log.info("%s", outcome.line())
        return outcome

    def _remember(self, worker: Worker) -> None:
        self._worker = worker

    def _show(self, event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            self.log.info("%(done)d of %(total)d items, %(failed)d failed", event)

    def _python(self) -> str:
        return self.python or conf.get("media", "python", fallback="") or sys.executable


def _absence(job: str, plan: StoredPlan) -> str:
    return f"job {job!r} is not on the line of this run: {', '.join(plan.jobs)}"
