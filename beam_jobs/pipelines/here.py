"""Run a job in this process: Beam's own runner in memory, the steps in child processes."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from beam_jobs.contract.address import local_path
from beam_jobs.contract.errors import InvalidSpec, MediaJobError
from beam_jobs.contract.fused import FusedSpec
from beam_jobs.contract.launch import LaunchSpec, Limits
from beam_jobs.contract.step import Step
from beam_jobs.pipelines.crew import Staffed, crew_for, dismiss_crews, frame_crew_for, fused_crew_for
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


def run_here(spec: LaunchSpec, step: Step, *, started: float) -> dict[str, Any]:
    """Run ``spec`` to its end and return the summary.

    :param step: the spec's own.
    :param started: when this began, of :func:`time.monotonic`.
    :raises MediaJobError: when the report does not hold one row for each item of the manifest, or when the
        model of an inference cannot be used.
    """

    def join() -> Staffed | None:  # before Beam is imported: the children start beside that
        if step.transform is not None:
            return None
        if not step.inference:
            return crew_for(spec)
        crew = frame_crew_for(spec)
        from beam_jobs.media.model_params import model_params
        from beam_jobs.models.onnx import make_ready

        make_ready(model_params(step, spec.params))
        return crew

    def build(pipeline: Any) -> None:
        from beam_jobs.pipelines.batch import build

        build(pipeline, spec, in_process=True)

    check_manifest(spec.job, spec.manifest)
    (summary,) = _run([spec], join, build, started=started)
    return summary


def run_fused_here(spec: FusedSpec, *, started: float) -> list[dict[str, Any]]:
    """Run the jobs of ``spec`` together to their end and return their summaries.

    :raises MediaJobError: when a report does not hold one row for each item that its job was given.
    """

    def build(pipeline: Any) -> None:
        from beam_jobs.pipelines.fused import build_fused

        build_fused(pipeline, spec, in_process=True)

    check_manifest(spec.name, spec.manifest)
    return _run([job.spec for job in spec.line], lambda: fused_crew_for(spec), build, started=started)


def check_manifest(job: str, manifest: str) -> None:
    """Raise InvalidSpec when the manifest is not there: Beam would say it in its own words, later."""
    from pathlib import Path

    path = local_path(manifest)
    if path is not None and not Path(path).is_file():
        raise InvalidSpec(f"job {job!r}: manifest {manifest} does not exist; plan the run again")


def _run(
    specs: Sequence[LaunchSpec],
    join: Callable[[], Staffed | None],
    build: Callable[[Any], None],
    *,
    started: float,
) -> list[dict[str, Any]]:
    cpu_before = _cpu()
    try:
        crew = join()
        metrics = _run_pipeline(specs, crew, build)
        clock = _clock(crew, started)
    finally:
        dismiss_crews()
    cpu = {who: round(now - cpu_before[who], 3) for who, now in _cpu().items()}
    facts: dict[str, Any] = {
        "beam_metrics": metrics, "wall_seconds": clock,
        "process_cpu_seconds": cpu, "process_peak_mb": _peak_mb(),
    }  # fmt: skip
    if len(specs) > 1:
        facts["together_with"] = [spec.job for spec in specs]
    summaries = []
    for spec in specs:
        summary = _complete_summary(spec, **facts)
        emit("finished", job=spec.job, counts=summary["counts"])
        summaries.append(summary)
    return summaries


def _run_pipeline(
    specs: Sequence[LaunchSpec], crew: Staffed | None, build: Callable[[Any], None]
) -> dict[str, Any]:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_jobs.pipelines.metrics import read_metrics
    from beam_jobs.pipelines.report_files import clear_report

    for spec in specs:
        clear_report(spec.report)
    pipeline = beam.Pipeline(options=PipelineOptions.from_dictionary({**specs[0].options, **PINNED}))
    build(pipeline)
    with Watchdog(crew, limits=_sum_of_limits(specs)):
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


def _sum_of_limits(specs: Sequence[LaunchSpec]) -> Limits:
    """Return what one item may take that all the jobs work on, one after the other."""
    return Limits(
        timeout_s=sum(spec.limits.timeout_s for spec in specs),
        attempts=sum(spec.limits.attempts for spec in specs),
    )


def _clock(crew: Staffed | None, started: float) -> dict[str, float]:
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


def _peak_mb() -> dict[str, float]:
    """Return the most memory that this process held, and that any one child did."""
    unit = 2**20 if sys.platform == "darwin" else 2**10

    def peak(who: int) -> float:
        return round(resource.getrusage(who).ru_maxrss / unit, 1)

    return {"beam": peak(resource.RUSAGE_SELF), "steps": peak(resource.RUSAGE_CHILDREN)}
