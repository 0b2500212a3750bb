"""Wait for the end of a Dataflow job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow_media_provider.compat import BaseTrigger, TriggerEvent
from airflow_media_provider.triggers.settle import settling

if TYPE_CHECKING:
    from airflow.providers.google.cloud.hooks.dataflow import DataflowHook

RUNNING = frozenset({
    "JOB_STATE_UNKNOWN", "JOB_STATE_STOPPED", "JOB_STATE_RUNNING", "JOB_STATE_DRAINING",
    "JOB_STATE_PENDING", "JOB_STATE_CANCELLING", "JOB_STATE_QUEUED", "JOB_STATE_RESOURCE_CLEANING_UP",
    "JOB_STATE_PAUSING", "JOB_STATE_PAUSED", "",
})  # fmt: skip
"""Every other state is an end; a stopped job is one that has not started."""

PATIENCE = 10
"""Looks in a row that may fail: a task that gives up attaches to the same job when it is tried again."""


def job_url(job_id: str, *, project: str, region: str) -> str:
    """Return the page of a job in the console."""
    return f"https://console.cloud.google.com/dataflow/jobs/{region}/{job_id}?project={project}"


class DataflowRunTrigger(BaseTrigger):
    """Fire once when a Dataflow job has ended, however it ended; cancel it when the task is killed.

    The provider's own triggers wait for ever for a job that was cancelled.

    :param manifest: goes back to the task with the event.
    """

    def __init__(
        self,
        *,
        job_id: str,
        project: str,
        region: str,
        manifest: dict[str, Any],
        poll_interval: float = 30.0,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self.job_id = job_id
        self.project = project
        self.region = region
        self.manifest = manifest
        self.poll_interval = poll_interval
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and its arguments."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        names = (
            "job_id", "project", "region", "manifest", "poll_interval", "gcp_conn_id", "impersonation_chain",
        )  # fmt: skip
        return path, {name: getattr(self, name) for name in names}

    @property
    def url(self) -> str:
        """The job's page in the console."""
        return job_url(self.job_id, project=self.project, region=self.region)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look now and then; a look that fails is logged and repeated, but not for ever."""
        settle = settling()
        state = await self._end()
        await settle()
        yield TriggerEvent(
            {"job_id": self.job_id, "state": state, "url": self.url, "manifest": self.manifest}
        )

    async def _end(self) -> str:
        """Return the state in which the job ended."""
        failures = 0
        while True:
            try:
                job = await asyncio.to_thread(self._job)
            except Exception as error:  # the network, quotas, a connection that is not there
                failures += 1
                self.log.warning("Dataflow job %s: %s (%d in a row)", self.job_id, error, failures)
                if failures >= PATIENCE:
                    return f"not known: {error}"
            else:
                failures = 0
                state = str(job.get("currentState", ""))
                if state not in RUNNING:
                    return state
            await asyncio.sleep(self.poll_interval)

    async def on_kill(self) -> None:
        """Cancel the job: nobody waits for it any more."""
        await asyncio.to_thread(self._cancel)

    def _job(self) -> dict[str, Any]:
        job: dict[str, Any] = self._hook().get_job(
            job_id=self.job_id, project_id=self.project, location=self.region
        )
        return job

    def _cancel(self) -> None:
        self._hook().cancel_job(job_id=self.job_id, project_id=self.project, location=self.region)

    def _hook(self) -> DataflowHook:
        from airflow.providers.google.cloud.hooks.dataflow import DataflowHook

        return DataflowHook(
            gcp_conn_id=self.gcp_conn_id, impersonation_chain=self.impersonation_chain, cancel_timeout=None
        )
