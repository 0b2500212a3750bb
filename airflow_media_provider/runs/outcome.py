"""What became of a job in a run, and whether its losses pass its limit."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from airflow_media_provider.errors import LaunchError, LossesExceeded
from airflow_media_provider.registry.model import Job
from airflow_media_provider.runs.look import JobManifest
from airflow_media_provider.runs.stored import StoredPlan
from airflow_media_provider.storage import Stores
from beam_jobs.contract.report import Status

COUNTED = ("done", "present", "failed", "blocked", "pinged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One job's counts over the run's whole selection.

    :param counts: ``done``, ``present``, ``failed``, ``blocked``, ``pinged``.
    :param attempted: items that the worker was given.
    :param exceeded: losses pass the job's ``max_failed``.
    :param report: folder of the report's parts.
    """

    job: str
    counts: dict[str, int]
    attempted: int
    exceeded: bool
    max_failed: int | float
    report: str

    def line(self) -> str:
        """Return the counts as one line for a log."""
        text = ", ".join(f"{self.counts[name]} {name}" for name in COUNTED if self.counts[name])
        return f"{self.job}: {text or 'nothing to do'}"

    def raise_for_losses(self) -> None:
        """Raise LossesExceeded when too many items failed."""
        if self.exceeded:
            raise LossesExceeded(
                f"job {self.job!r}: {self.counts['failed']} of {self.attempted} items failed, "
                f"more than max_failed={self.max_failed}; the rows are in {self.report}"
            )


def losses_exceed(failed: int, attempted: int, max_failed: int | float) -> bool:
    """Tell whether ``failed`` of ``attempted`` items are too many: a ratio below 1, else a count."""
    limit = max_failed * attempted if isinstance(max_failed, float) and max_failed < 1 else max_failed
    return failed > limit


def judge(job: Job, manifest: JobManifest, worker_counts: dict[str, int], report: str) -> Outcome:
    """Add the worker's counts to what the second look found.

    :param worker_counts: rows per status in the worker's report.
    """
    counts = {name: worker_counts.get(name, 0) for name in COUNTED}
    counts["failed"] += worker_counts.get(Status.QUARANTINED, 0)
    counts["present"] += manifest.present
    counts["blocked"] += manifest.blocked
    return Outcome(
        job=job.name,
        counts=counts,
        attempted=manifest.run,
        exceeded=losses_exceed(counts["failed"], manifest.run, job.max_failed),
        max_failed=job.max_failed,
        report=report,
    )


def read_outcome(plan: StoredPlan, manifest: JobManifest, stores: Stores) -> Outcome:
    """Judge a job by its worker's report and write the outcome beside it.

    :raises LaunchError: when the worker left no report, or not one row for each item.
    """
    layout = plan.layout.job(manifest.job)
    worker_counts: dict[str, int] = {}
    if manifest.run:
        summary = f"{layout.report}/summary.json"
        try:
            worker_counts = json.loads(stores.for_uri(summary).read(summary))["counts"]
        except (OSError, ValueError, KeyError) as error:
            raise LaunchError(f"job {manifest.job!r}: no report at {summary}: {error}") from error
        rows = sum(worker_counts.values())
        if rows != manifest.run:
            raise LaunchError(
                f"job {manifest.job!r}: the report at {layout.report} has {rows} rows "
                f"for {manifest.run} items; run the job again"
            )
    outcome = judge(plan.graph.jobs[manifest.job], manifest, worker_counts, layout.report)
    stores.for_uri(layout.outcome).write(layout.outcome, json.dumps(asdict(outcome)).encode())
    return outcome


def stored_outcome(plan: StoredPlan, job: str, stores: Stores) -> Outcome | None:
    """Return the outcome that :func:`read_outcome` wrote, or None when the job did not get so far."""
    uri = plan.layout.job(job).outcome
    store = stores.for_uri(uri)
    if not store.exists(uri):
        return None
    data: dict[str, Any] = json.loads(store.read(uri))
    return Outcome(**data)


def forget_outcome(plan: StoredPlan, job: str, stores: Stores) -> None:
    """Remove the outcome of an earlier try, so that a try that breaks off is not judged by it."""
    uri = plan.layout.job(job).outcome
    stores.for_uri(uri).delete(uri)
