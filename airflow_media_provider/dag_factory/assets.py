"""A job's artifacts as an Airflow asset, on which other teams' DAGs can be scheduled."""

from __future__ import annotations

from airflow_media_provider.compat import Asset, make_asset
from airflow_media_provider.dag_factory.graph import caller_folder, graph_at
from airflow_media_provider.registry.model import JobGraph
from beam_jobs.contract.address import with_scheme


def job_asset(graph: JobGraph, job: str) -> Asset:
    """Return the asset that stands for all artifacts of ``job``; raises PlanError for an unknown one."""
    name = graph.job(job).name
    uri = f"{with_scheme(graph.root).rstrip('/')}/{name}"
    return make_asset(name=f"media.{graph.name}.{name}", uri=uri)


def media_asset(registry: str, job: str, *, overlay: str | None = None) -> Asset:
    """Return a job's asset, for another DAG's ``schedule``.

    :param registry: path (a relative one starts at the calling file's folder) or ``package.module:NAME``.
    """
    return job_asset(graph_at(registry, overlay=overlay, folder=caller_folder(1)), job)
