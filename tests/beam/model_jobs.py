"""Jobs that run a model over media files in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from beam_jobs.contract.report import ReportRow
from tests.beam.jobs import JobFolder


def model_job(
    path: Path, model: Path | str, kind: str, *, concurrency: int = 1, suffix: str = ".json", **params: Any
) -> JobFolder:
    """Return a job that runs ``model`` over the files in ``path/in``, whose names are the items."""
    (path / "in").mkdir(parents=True)
    return JobFolder(
        path,
        {
            "job": "ask", "step": "run_model", "params": {"model": str(model), "kind": kind, **params},
            "inputs": {"media": f"file://{path}/in/{{item}}"},
            "output": f"file://{path}/out/{{item}}{suffix}", "concurrency": concurrency,
        },
    )  # fmt: skip


def run_over_all(job: JobFolder) -> dict[str, ReportRow]:
    """Run the job over every file of its folder."""
    job.list(*sorted(path.name for path in (job.path / "in").iterdir()))
    return job.run()
