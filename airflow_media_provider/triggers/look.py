"""One look at what a job has made, shared by the sensor and its trigger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputLook:
    """What to look at: a job of a plan, or a job's artifacts of a selection.

    All fields are JSON, for a trigger travels to another process that may not have the registry's file.

    :param plan: URI of a run's folder.
    :param graph: the registry's graph, when there is no plan.
    :param request: selection and target, when there is no plan.
    """

    job: str
    plan: str | None = None
    graph: dict[str, Any] | None = None
    request: dict[str, Any] | None = None
    gcp_conn_id: str = "google_cloud_default"
    impersonation_chain: str | Sequence[str] | None = None

    def take(self) -> dict[str, Any]:
        """List and count.

        :return: ``items``, ``present``, ``coverage``; with a plan also ``manifest``, ``run``, ``blocked``. No
            items = the job is not on the line of the plan.
        :raises MediaError: when the plan or the selection cannot be read.
        """
        from airflow_media_provider.hooks.media import MediaHook

        stores = MediaHook(self.gcp_conn_id, self.impersonation_chain).stores()
        if self.plan is None:
            from airflow_media_provider.registry.snapshot import load_graph
            from airflow_media_provider.runs.request import parse_request
            from airflow_media_provider.runs.status import job_coverage

            return job_coverage(load_graph(self.graph or {}), parse_request(self.request or {}), stores)
        from airflow_media_provider.runs.fuse import followed
        from airflow_media_provider.runs.look import look_again, planned_manifest
        from airflow_media_provider.runs.stored import open_plan

        plan = open_plan(self.plan, stores)
        if plan.graph.job(self.job).name not in plan.jobs:
            return {"manifest": "", "run": 0, "present": 0, "blocked": 0, "items": 0, "coverage": 0.0}
        # A dry run changes nothing, so what the plan saw is still so.
        found = (
            planned_manifest(plan, self.job)
            if plan.dry_run
            else followed(plan, self.job, stores) or look_again(plan, self.job, stores)
        )
        items = found.run + found.present + found.blocked
        return {
            "manifest": found.uri,
            "run": found.run,
            "present": found.present,
            "blocked": found.blocked,
            "items": items,
            "coverage": found.present / items if items else 0.0,
        }
