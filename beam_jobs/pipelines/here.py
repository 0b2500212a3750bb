"""Run a job in this process: Beam's own runner in memory, the steps in child processes."""

from __future__ import annotations

import json
import resource
import time
from typing import Any

from beam_jobs.contract.address import local_path
from beam_jobs.contract.errors import InvalidSpec, MediaJobError
from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.pipelines.crew import Crew, crew_for, dismiss_crews
from beam_jobs.pipelines.progress import emit
from beam_jobs.pipelines.watchdog import Watchdog

IN_PROCESS = ("", "direct", "DirectRunner", "FnApiRunner", "BundleBasedDirectRunner")

PINNED = {
    "runner": "FnApiRunner",  # DirectRunner would try to download another runner first
    "direct_running_mode": "in_memory",  # the crew uses the cores; more workers only cost start-up
    "direct_num_workers": 1,
}


def is_in_process(spec: LaunchSpec) -> bool:
    """Tell whether the spec's runner works inside this process."""
    return str(spec.options.get("runner") or "") in IN_PROCESS


def run_here(spec: LaunchSpec, *, warm: bool, started: float) -> dict[str, Any]:
    """Run ``spec`` to its end and return the summary.

    :param warm: the step runs in child processes: start them before Beam is imported.
    :param started: when this began, of :func:`time.monotonic`.
    :raises MediaJobError: when the report does not hold one row for each item of the manifest.
    """
    check_manifest(spec)
    cpu_before = _cpu()
    crew = crew_for(spec) if warm else None
    try:
        metrics = _run_pipeline(spec, crew)
        clock = _clock(crew, started)
    finally:
        dismiss_crews()
    cpu = {who: round(now - cpu_before[who], 3) for who, now in _cpu().items()}
    summary = _complete_summary(spec, beam_metrics=metrics, wall_seconds=clock, process_cpu_seconds=cpu)
    emit("finished", job=spec.job, counts=summary["counts"])
    return summary


def check_manifest(spec: LaunchSpec) -> None:
    """Raise InvalidSpec when the manifest is not there: Beam would say it in its own words, later."""
    from pathlib import Path

    path = local_path(spec.manifest)
    if path is not None and not Path(path).is_file():
        raise InvalidSpec(f"job {spec.job!r}: manifest {spec.manifest} does not exist; plan the run again")


def _run_pipeline(spec: LaunchSpec, crew: Crew | None) -> dict[str, Any]:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_jobs.pipelines.batch import build
    from beam_jobs.pipelines.metrics import read_metrics
    from beam_jobs.pipelines.report_files import clear_report

    clear_report(spec.report)
    pipeline = beam.Pipeline(options=PipelineOptions.from_dictionary({**spec.options, **PINNED}))
    build(pipeline, spec, in_process=True)
    with Watchdog(crew, limits=spec.limits):
        result = pipeline.run()
        result.wait_until_finish()
    return read_metrics(result)


def _complete_summary(spec: LaunchSpec, **facts: Any) -> dict[str, Any]:
    from beam_jobs.pipelines.report_files import read_bytes, summary_uri, write_summary

    summary: dict[str, Any] = json.loads(read_bytes(summary_uri(spec.report)))
    rows = sum(summary["counts"].values())
    if rows != spec.total:
        raise MediaJobError(
            f"job {spec.job!r}: the report has {rows} rows, but the launch spec names {spec.total} items "
            f"for manifest {spec.manifest}; plan the run again"
        )
    summary |= facts
    write_summary(spec.report, summary)
    return summary


def _clock(crew: Crew | None, started: float) -> dict[str, float]:
    now = time.monotonic()
    first = now if crew is None or crew.first_item_at is None else crew.first_item_at
    last = now if crew is None or crew.first_item_at is None else crew.last_row_at
    times = {"start_up": first - started, "items": last - first, "report": now - last}
    return {name: round(value, 3) for name, value in times.items()}


def _cpu() -> dict[str, float]:
    def spent(who: int) -> float:
        usage = resource.getrusage(who)
        return usage.ru_utime + usage.ru_stime

    return {"beam": spent(resource.RUSAGE_SELF), "steps": spent(resource.RUSAGE_CHILDREN)}
