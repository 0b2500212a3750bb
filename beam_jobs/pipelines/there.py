"""Hand a job to a runner elsewhere: Dataflow, Flink, Spark or a portable job service."""

from __future__ import annotations

from typing import Any

from beam_jobs.contract.errors import MediaJobError
from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.pipelines.progress import emit


def run_there(spec: LaunchSpec, *, wait: bool) -> None:
    """Submit ``spec``, tell its id, and wait for its end if asked to.

    :raises MediaJobError: when the remote job ends in another state than DONE.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_jobs.pipelines.batch import build
    from beam_jobs.pipelines.report_files import clear_report

    clear_report(spec.report)
    pipeline = beam.Pipeline(options=PipelineOptions.from_dictionary(dict(spec.options)))
    build(pipeline, spec, in_process=False)
    result = pipeline.run()
    emit("submitted", job=spec.job, job_id=_job_id(result))
    if wait:
        _wait(spec, result)


def _wait(spec: LaunchSpec, result: Any) -> None:
    import json

    from apache_beam.runners.runner import PipelineState

    from beam_jobs.pipelines.report_files import read_bytes, summary_uri

    state = result.wait_until_finish()
    if state != PipelineState.DONE:
        raise MediaJobError(
            f"job {spec.job!r}: remote job {_job_id(result)} ended as {state}; see its own log"
        )
    summary = json.loads(read_bytes(summary_uri(spec.report)))
    emit("finished", job=spec.job, counts=summary["counts"])


def _job_id(result: Any) -> str:
    """Return the runner's id of the job; runners keep it under different names."""
    for name in ("job_id", "_job_id"):
        found = getattr(result, name, None)
        if found is not None:
            return str(found() if callable(found) else found)
    return ""
