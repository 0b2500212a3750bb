"""Where a job's Beam pipeline runs: from a registry's ``runner`` to Beam's own options.

A new runner is a file here and a line in ``RUNNERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_media_provider.registry.model import Job
from airflow_media_provider.runners import dataflow, direct, portable

__all__ = ["RUNNERS", "is_remote", "pipeline_options"]

RUNNERS: Mapping[str, Callable[[Job, str], dict[str, Any]]] = {
    "direct": direct.options,
    "dataflow": dataflow.options,
    "flink": portable.flink_options,
    "spark": portable.spark_options,
    "portable": portable.options,
}
"""Name in a registry -> what makes the pipeline options of a job in a run."""


def pipeline_options(job: Job, run_id: str) -> dict[str, Any]:
    """Return the Beam pipeline options of ``job`` in the run ``run_id``.

    :raises LaunchError: when the runner needs options that the registry does not give.
    """
    return RUNNERS[job.runner.name](job, run_id)


def is_remote(job: Job) -> bool:
    """Tell whether the work is done elsewhere, so that a waiting task may give its slot away."""
    return job.runner.name != "direct"
