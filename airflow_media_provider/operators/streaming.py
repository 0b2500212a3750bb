"""The task that starts, finds, drains and stops a stream."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow_media_provider.compat import AirflowException, BaseOperator, conf
from airflow_media_provider.hooks.media import MediaHook
from airflow_media_provider.hooks.registry import read_graph

if TYPE_CHECKING:
    from airflow_media_provider.compat import Context
    from airflow_media_provider.registry.model import JobGraph, Uploads
    from airflow_media_provider.runners.launch import Worker
    from airflow_media_provider.storage import Stores
    from beam_jobs.contract.stream import StreamSpec

Action = Literal["start", "drain", "stop"]
ACTIONS = ("start", "drain", "stop")
ENDING = ("JOB_STATE_DRAINING", "JOB_STATE_CANCELLING")


class MediaStreamingJobOperator(BaseOperator):
    """Start, find, drain or stop the unbounded pipeline of one target.

    The pipeline has one name per registry and target. ``start`` finds one that runs already and leaves it
    alone. On the direct runner a started pipeline runs in this task's slot until it is drained; on Dataflow
    the task ends when the job is submitted. ``drain`` lets it finish what it has in work; ``stop`` ends it at
    once, and Pub/Sub gives what was in work to the next one. Killing the task drains.

    XCom: ``{"name": …, "state": …, "job_id": …}``, and on the direct runner ``messages``, ``rows``.

    :param registry: path of the registry, or ``package.module:NAME``.
    :param target: the job; its missing ancestors are made in the same pipeline.
    :param action: ``start``, ``drain`` or ``stop``.
    :param subscription: for ``start``: instead of the registry's ``uploads``; a stream needs one of its own.
    :param lease_s: after a crash on the direct runner, messages come back so much later.
    :param patience: seconds to wait for the end of a stream that is drained or stopped.
    :param python: interpreter that has the worker's packages; default ``[media] python``, else this one.
    :param gcp_conn_id: Google connection.
    :param impersonation_chain: service account to act as, or a chain of them.
    """

    template_fields: Sequence[str] = (
        "registry", "overlay", "target", "subscription",
        "gcp_conn_id", "impersonation_chain",
    )  # fmt: skip
    ui_color = "#e6f4ea"

    def __init__(
        self,
        *,
        registry: str,
        target: str,
        action: Action = "start",
        overlay: str | None = None,
        subscription: str | None = None,
        lease_s: int | None = None,
        patience: float = 600.0,
        python: str | None = None,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if action not in ACTIONS:
            raise ValueError(f"task {self.task_id!r}: action {action!r} is none of {', '.join(ACTIONS)}")
        self.registry = registry
        self.target = target
        self.action = action
        self.overlay = overlay
        self.subscription = subscription
        self.lease_s = lease_s
        self.patience = patience
        self.python = python
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain
        self._worker: Worker | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Do the action, and return what became of the stream."""
        from airflow_media_provider.errors import MediaError
        from airflow_media_provider.runs.stream_spec import stream_spec

        graph = read_graph(self.registry, overlay=self.overlay, dag=self.dag)
        stores = MediaHook(self.gcp_conn_id, self.impersonation_chain).stores()
        try:
            spec = stream_spec(
                graph, self.target, to_start=self.action == "start",
                subscription=self.subscription, lease_s=self.lease_s,
            )  # fmt: skip
            if graph.job(self.target).runner.name == "dataflow":
                return self._on_dataflow(graph, spec, stores)
            return self._here(spec, stores, graph.uploads)
        except MediaError as error:
            raise AirflowException(str(error)) from error

    def on_kill(self) -> None:
        """Let the stream finish what it has in work."""
        if self._worker is not None:
            self._worker.kill()

    def _here(self, spec: StreamSpec, stores: Stores, uploads: Uploads | None) -> dict[str, Any]:
        from airflow_media_provider.runs.streams import ask_to_end, find_running, read_state, wait_for_end

        if self.action == "start":
            state = find_running(spec, stores)
            if state.alive:
                self.log.info("%s runs already: %s", spec.name, state.said)
                return {"name": spec.name, **state.said}
            self._serve(spec, stores, uploads)
            state = read_state(spec, stores)
        elif (state := read_state(spec, stores)).alive:
            ask_to_end(spec, stores, at_once=self.action == "stop")
            state = wait_for_end(spec, stores, patience=self.patience)
            if state.alive:
                raise AirflowException(f"{spec.name} has not ended within {self.patience:g} s: {state.said}")
        else:
            self.log.info("%s does not run: %s", spec.name, state.state)
        return {**state.said, "name": spec.name, "state": state.state}

    def _serve(self, spec: StreamSpec, stores: Stores, uploads: Uploads | None) -> None:
        from airflow_media_provider.runners.launch import launch
        from airflow_media_provider.runs.stream_end import why_ended
        from airflow_media_provider.runs.streams import prepare_start

        result = launch(
            [prepare_start(spec, stores)],
            python=self._python(),
            module="beam_jobs.stream",
            on_event=lambda event: None,
            on_line=lambda line: self.log.info("%s", line),
            on_start=self._remember,
        )
        if result.exit_code:
            raise AirflowException(why_ended(spec, result, uploads))

    def _on_dataflow(self, graph: JobGraph, spec: StreamSpec, stores: Stores) -> dict[str, Any]:
        from airflow.providers.google.cloud.hooks.dataflow import DataflowHook

        from airflow_media_provider.operators.dataflow import active_job
        from airflow_media_provider.runners import pipeline_options
        from airflow_media_provider.runners.launch import launch
        from airflow_media_provider.runs.streams import prepare_start

        options = {**pipeline_options(graph.job(self.target), spec.name), "job_name": spec.name}
        project, region = str(options["project"]), str(options["region"])
        hook = DataflowHook(
            gcp_conn_id=self.gcp_conn_id, impersonation_chain=self.impersonation_chain, cancel_timeout=None
        )
        job = active_job(hook, project=project, region=region, name=spec.name)
        job_id = None if job is None else str(job["id"])
        if self.action == "start" and job is not None and job["currentState"] in ENDING:
            raise AirflowException(
                f"{spec.name}: Dataflow job {job_id} is still {job['currentState']}; start again when it has "
                "ended"
            )
        if self.action == "start" and job_id is None:
            uri = prepare_start(spec.model_copy(update={"options": options}), stores)
            said = launch(
                [uri], python=self._python(), module="beam_jobs.stream", on_start=self._remember,
                on_event=lambda event: None, on_line=lambda line: self.log.info("%s", line),
            )  # fmt: skip
            job_id = said.job_id
            if said.exit_code or not job_id:
                raise AirflowException(f"could not submit {spec.name} to Dataflow: {said.last_line}")
        elif self.action != "start" and job_id is not None:
            wanted = "JOB_STATE_DRAINED" if self.action == "drain" else "JOB_STATE_CANCELLED"
            jobs = hook.get_conn().projects().locations().jobs()
            jobs.update(
                projectId=project, location=region, jobId=job_id, body={"requestedState": wanted}
            ).execute(num_retries=3)
        state = (
            "absent" if job_id is None else {"start": "running"}.get(self.action, f"{self.action} asked for")
        )
        return {"name": spec.name, "state": state, "job_id": job_id}

    def _remember(self, worker: Worker) -> None:
        self._worker = worker

    def _python(self) -> str:
        return self.python or conf.get("media", "python", fallback="") or sys.executable
