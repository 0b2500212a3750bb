"""The batch pipeline of one job: manifest -> reshuffle -> process -> report parts -> summary."""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam
from apache_beam.pvalue import PCollection

from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.report import ReportRow, encode_report_row
from beam_jobs.contract.schema import artifact_schema
from beam_jobs.contract.step import load_step
from beam_jobs.pipelines.bundle import ProcessLines
from beam_jobs.pipelines.crew import Crew, crew_for
from beam_jobs.pipelines.metrics import count_row
from beam_jobs.pipelines.parts import WriteParts
from beam_jobs.pipelines.progress import Progress
from beam_jobs.pipelines.report_files import PART, SUFFIX, beam_path, write_summary
from beam_jobs.pipelines.totals import AddUp, Totals

ROWS_PER_PART = 200_000


def build(pipeline: beam.Pipeline, spec: LaunchSpec, *, in_process: bool) -> None:
    """Put the pipeline of ``spec`` together.

    :param in_process: the worker is this process, so it can tell the launcher about progress.
    """
    step = load_step(spec.step)
    lines = read_lines(pipeline, spec.manifest, spread=not in_process or not step.is_by_itself)
    if step.transform is not None:
        from beam_jobs.pipelines.transform import ProcessByTransform

        rows = lines | "Process" >> ProcessByTransform(spec, step, step.transform, in_process=in_process)
    elif step.inference:
        from beam_jobs.media.model_params import model_params
        from beam_jobs.pipelines.inference import ProcessByModel

        params = model_params(step, spec.params)
        rows = lines | "Process" >> ProcessByModel(spec, step, params, in_process=in_process)
    else:
        rows = lines | "Process" >> beam.ParDo(ProcessItems(spec, in_process=in_process))
    write_report(rows, spec, in_process=in_process)


def read_lines(pipeline: beam.Pipeline, manifest: str, *, spread: bool) -> PCollection[str]:
    """Return the lines of a manifest.

    :param spread: over all workers, in no order; a single one takes them as they come.
    """
    lines: PCollection[str] = (
        pipeline
        | "ReadManifest" >> beam.io.ReadFromText(beam_path(manifest))
        | "DropBlank" >> beam.Filter(str.strip)
    )
    if spread:
        lines = lines | "Reshuffle" >> beam.Reshuffle()
    return lines


def write_report(rows: PCollection[str], spec: LaunchSpec, *, in_process: bool, of: str = "") -> None:
    """Write the rows' parts, and the summary when the last of them is in its place.

    :param of: ends the transforms' names, where a pipeline writes several reports.
    """
    write: beam.PTransform[str, str] = (
        beam.ParDo(WriteParts(spec.report, rows_per_part=ROWS_PER_PART))
        if in_process
        else beam.io.WriteToText(
            f"{beam_path(spec.report.rstrip('/'))}/{PART}",
            file_name_suffix=SUFFIX,
            max_records_per_shard=ROWS_PER_PART,
        )
    )
    parts = rows | f"WriteRows{of}" >> write
    totals = rows | f"AddUp{of}" >> beam.CombineGlobally(AddUp())  # type: ignore[no-untyped-call]
    _ = totals | f"WriteSummary{of}" >> beam.Map(_write_summary, spec=spec, parts=beam.pvalue.AsList(parts))


def _write_summary(totals: Totals, *, spec: LaunchSpec, parts: list[str]) -> None:
    step = load_step(spec.step)
    suffix = step.suffix(step.parse_params(spec.params))
    artifact = {"suffix": suffix, "schema": artifact_schema(step) if suffix == ".json" else None}
    facts = {"version": 1, "run_id": spec.run_id, "job": spec.job, "step": spec.step, "artifact": artifact}
    write_summary(spec.report, {**facts, **totals, "parts": len(parts)})


class ProcessItems(ProcessLines[ReportRow]):
    """Lines of the manifest -> encoded report rows."""

    def __init__(self, spec: LaunchSpec, *, in_process: bool) -> None:
        super().__init__(in_process=in_process)
        self._spec = spec
        self._progress: Progress | None = None

    def setup(self) -> None:
        """Join this process's crew."""
        super().setup()
        if self.in_process:
            self._progress = Progress(job=self._spec.job, total=self._spec.total)

    def join(self) -> Crew:
        """Return the job's crew."""
        return crew_for(self._spec)

    def give(self, outcome: ReportRow) -> Iterator[str]:
        """Count a row and encode it."""
        count_row(outcome)
        if self._progress is not None:
            self._progress.note(outcome)
        yield encode_report_row(outcome)
