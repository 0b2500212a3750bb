"""Jobs on Dataflow: submitted once per run, found again by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_media_provider.compat import AirflowException
from airflow_media_provider.triggers.dataflow import DataflowRunTrigger, job_url

if TYPE_CHECKING:
    from airflow.providers.google.cloud.hooks.dataflow import DataflowHook

    from airflow_media_provider.runners.launch import Worker
    from airflow_media_provider.runs.look import JobManifest
    from airflow_media_provider.runs.stored import StoredPlan
    from airflow_media_provider.storage import Stores

ENDED = (
    "JOB_STATE_DONE", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED", "JOB_STATE_DRAINED", "JOB_STATE_UPDATED",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteJob:
    """A job on Dataflow.

    :param manifest: what it was given to do of the job that leads.
    :param given: what it was given to do of all jobs.
    """

    manifest: JobManifest
    given: list[JobManifest]
    job_id: str
    project: str
    region: str
    gcp_conn_id: str
    impersonation_chain: str | Sequence[str] | None
    hook: DataflowHook

    @property
    def url(self) -> str:
        """Its page in the console."""
        return job_url(self.job_id, project=self.project, region=self.region)

    def trigger(self, poll_interval: float) -> DataflowRunTrigger:
        """Return the trigger that waits for its end."""
        return DataflowRunTrigger(
            job_id=self.job_id,
            project=self.project,
            region=self.region,
            manifest=asdict(self.manifest),
            poll_interval=poll_interval,
            gcp_conn_id=self.gcp_conn_id,
            impersonation_chain=self.impersonation_chain,
        )

    def wait(self, poll_interval: float) -> None:
        """Wait for its end; raises AirflowException for any other than success."""
        while (state := self._state()) not in ENDED:
            time.sleep(poll_interval)
        if state != "JOB_STATE_DONE":
            raise AirflowException(f"Dataflow job {self.job_id} ended as {state}; see {self.url}")

    def cancel(self) -> None:
        """Ask Dataflow to cancel it."""
        self.hook.cancel_job(job_id=self.job_id, project_id=self.project, location=self.region)

    def _state(self) -> str:
        job = self.hook.get_job(job_id=self.job_id, project_id=self.project, location=self.region)
        return str(job.get("currentState", ""))


def attach_or_submit(
    plan: StoredPlan,
    manifest: JobManifest,
    given: list[JobManifest],
    stores: Stores,
    *,
    write: Callable[[], str],
    python: str,
    gcp_conn_id: str,
    impersonation_chain: str | Sequence[str] | None,
    log: Any,
    on_start: Callable[[Worker], None],
) -> RemoteJob:
    """Return the run's job on Dataflow: one that an earlier try left running, else a new one.

    :param manifest: of the job that leads.
    :param given: of all jobs that have something to do.
    :param write: writes the spec and returns its URI.
    """
    from airflow.providers.google.cloud.hooks.dataflow import DataflowHook

    from airflow_media_provider.errors import MediaError
    from airflow_media_provider.runners import pipeline_options
    from airflow_media_provider.runners.launch import launch
    from airflow_media_provider.runs.fuse import read_given

    try:
        options = pipeline_options(plan.graph.jobs[manifest.job], plan.run_id)
        hook = DataflowHook(
            gcp_conn_id=gcp_conn_id, impersonation_chain=impersonation_chain, cancel_timeout=None
        )
        project, region, name = (str(options[key]) for key in ("project", "region", "job_name"))
        job_id = find_active_job(hook, project=project, region=region, name=name)
        if job_id is not None:
            log.info("Attaching to Dataflow job %s (%s), which an earlier try started", name, job_id)
            given = read_given(plan, manifest.job, stores)
            manifest = next((one for one in given if one.job == manifest.job), replace(manifest, run=0))
        else:
            said = launch(
                [write()], python=python, wait=False, on_start=on_start,
                on_event=lambda event: None, on_line=lambda line: log.info("%s", line),
            )  # fmt: skip
            job_id = said.job_id
            if said.exit_code or not job_id:
                raise AirflowException(
                    f"job {manifest.job!r}: could not submit {name} to Dataflow: {said.last_line}"
                )
    except MediaError as error:
        raise AirflowException(str(error)) from error
    return RemoteJob(
        manifest=manifest,
        given=given,
        job_id=job_id,
        project=project,
        region=region,
        gcp_conn_id=gcp_conn_id,
        impersonation_chain=impersonation_chain,
        hook=hook,
    )


def find_active_job(hook: DataflowHook, *, project: str, region: str, name: str) -> str | None:
    """Return the id of the job of exactly this name that has not ended, if there is one."""
    job = active_job(hook, project=project, region=region, name=name)
    return None if job is None else str(job["id"])


def active_job(hook: DataflowHook, *, project: str, region: str, name: str) -> dict[str, Any] | None:
    """Return the job of exactly this name that has not ended, if there is one."""
    jobs = hook.get_conn().projects().locations().jobs()
    request = jobs.list(projectId=project, location=region, filter="ACTIVE")
    while request is not None:
        page = request.execute(num_retries=3)
        for job in page.get("jobs", ()):
            if job["name"] == name:
                return dict(job)
        request = jobs.list_next(request, page)
    return None
