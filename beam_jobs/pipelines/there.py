"""Hand a job to a runner elsewhere: Dataflow, Flink, Spark or a portable job service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from beam_jobs.contract.errors import MediaJobError
from beam_jobs.contract.fused import FusedSpec
from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.step import Step
from beam_jobs.pipelines.progress import emit


def run_there(spec: LaunchSpec, step: Step, *, wait: bool) -> None:
    """Submit ``spec``, tell its id, and wait for its end if asked to.

    :param step: the spec's own.
    :raises MediaJobError: when the remote job ends in another state than DONE, or when the model of an
        inference is not there.
    """
    if step.inference:
        from beam_jobs.media.model_params import model_params
        from beam_jobs.models.onnx import check_model

        check_model(model_params(step, spec.params), here=False)

    def build(pipeline: Any) -> None:
        from beam_jobs.pipelines.batch import build

        build(pipeline, spec, in_process=False)

    _run([spec], build, wait=wait)


def run_fused_there(spec: FusedSpec, *, wait: bool) -> None:
    """Submit the jobs of ``spec`` as one remote job, as :func:`run_there` does a single one."""

    def build(pipeline: Any) -> None:
        from beam_jobs.pipelines.fused import build_fused

        build_fused(pipeline, spec, in_process=False)

    _run([job.spec for job in spec.line], build, wait=wait)


def _run(specs: Sequence[LaunchSpec], build: Callable[[Any], None], *, wait: bool) -> None:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_jobs.pipelines.report_files import clear_report

    for spec in specs:
        clear_report(spec.report)
    pipeline = beam.Pipeline(options=PipelineOptions.from_dictionary(dict(specs[0].options)))
    build(pipeline)
    result = pipeline.run()
    emit("submitted", job=specs[0].job, job_id=_job_id(result))
    if wait:
        _wait(specs, result)


def _wait(specs: Sequence[LaunchSpec], result: Any) -> None:
    import json

    from apache_beam.runners.runner import PipelineState

    from beam_jobs.pipelines.report_files import read_bytes, summary_uri

    state = result.wait_until_finish()
    if state != PipelineState.DONE:
        raise MediaJobError(
            f"job {specs[0].job!r}: remote job {_job_id(result)} ended as {state}; see its own log"
        )
    for spec in specs:
        summary = json.loads(read_bytes(summary_uri(spec.report)))
        emit("finished", job=spec.job, counts=summary["counts"])


def _job_id(result: Any) -> str:
    """Return the runner's id of the job; runners keep it under different names."""
    for name in ("job_id", "_job_id"):
        found = getattr(result, name, None)
        if found is not None:
            return str(found() if callable(found) else found)
    return ""
