"""Flink, Spark, and any job service that speaks Beam's portability protocol."""

from __future__ import annotations

from typing import Any

from airflow_media_provider.errors import LaunchError
from airflow_media_provider.registry.model import Job
from airflow_media_provider.runners.job_name import remote_job_name


def flink_options(job: Job, run_id: str) -> dict[str, Any]:
    """Return the options of Beam's Flink runner."""
    return _named("FlinkRunner", job, run_id)


def spark_options(job: Job, run_id: str) -> dict[str, Any]:
    """Return the options of Beam's Spark runner."""
    return _named("SparkRunner", job, run_id)


def options(job: Job, run_id: str) -> dict[str, Any]:
    """Return the options of the portable runner; raises LaunchError when no job service is named."""
    if not job.runner.options.get("job_endpoint"):
        raise LaunchError(
            f"job {job.name!r}: runner portable needs job_endpoint (host:port of the job service); "
            f"write it under runner.options"
        )
    return _named("PortableRunner", job, run_id)


def _named(runner: str, job: Job, run_id: str) -> dict[str, Any]:
    return {"runner": runner, "job_name": remote_job_name(job.name, run_id), **job.runner.options}
