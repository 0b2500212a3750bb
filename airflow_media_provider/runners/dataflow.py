"""Google Cloud Dataflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_media_provider.errors import LaunchError
from airflow_media_provider.registry.model import Job
from airflow_media_provider.runners.job_name import label, remote_job_name

REQUIRED = ("project", "region", "temp_location")


def options(job: Job, run_id: str) -> dict[str, Any]:
    """Return the registry's options with the runner, a job name derived from the run, and labels.

    :raises LaunchError: when project, region or temp_location is not given.
    """
    given = dict(job.runner.options)
    missing = [name for name in REQUIRED if not given.get(name)]
    if missing:
        raise LaunchError(
            f"job {job.name!r}: runner dataflow needs {', '.join(missing)}; "
            f"write it under runner.options of the job or of defaults"
        )
    labels = _labels(given.pop("labels", None)) | {"media-job": label(job.name), "media-run": label(run_id)}
    if job.team:
        labels["media-team"] = label(job.team)
    return {
        "runner": "DataflowRunner",
        "job_name": remote_job_name(job.name, run_id),
        **given,
        "labels": [f"{name}={value}" for name, value in sorted(labels.items())],
    }


def _labels(given: Any) -> dict[str, str]:
    """Read labels written as a mapping or, as Beam takes them, as a list of ``name=value``."""
    if isinstance(given, Mapping):
        return {str(name): str(value) for name, value in given.items()}
    pairs = [given] if isinstance(given, str) else list(given or ())
    return {name: value for name, _, value in (str(pair).partition("=") for pair in pairs)}
