"""Beam's own runner inside the worker process; the steps run in its child processes."""

from __future__ import annotations

from typing import Any

from airflow_media_provider.registry.model import Job


def options(job: Job, run_id: str) -> dict[str, Any]:
    """Return the registry's options; the worker pins the rest."""
    return {"runner": "FnApiRunner", **job.runner.options}
