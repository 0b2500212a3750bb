"""The batch pipeline of one job: manifest -> reshuffle -> process -> report parts -> summary."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.report import ReportRow, encode_report_row
from beam_jobs.contract.step import load_step
from beam_jobs.pipelines.crew import WINDOW, Crew, crew_for
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
    lines = (
        pipeline
        | "ReadManifest" >> beam.io.ReadFromText(beam_path(spec.manifest))
        | "DropBlank" >> beam.Filter(str.strip)
        | "Reshuffle" >> beam.Reshuffle()
    )
    step = load_step(spec.step)
    if step.transform is not None:
        from beam_jobs.pipelines.transform import ProcessByTransform

        rows = lines | "Process" >> ProcessByTransform(spec, step, step.transform, in_process=in_process)
    else:
        rows = lines | "Process" >> beam.ParDo(ProcessItems(spec, in_process=in_process))
    write_report(rows, spec, in_process=in_process)


def write_report(rows: PCollection[str], spec: LaunchSpec, *, in_process: bool) -> None:
    """Write the rows' parts, and the summary when the last of them is in its place."""
    write: beam.PTransform[str, str] = (
        beam.ParDo(WriteParts(spec.report, rows_per_part=ROWS_PER_PART))
        if in_process
        else beam.io.WriteToText(
            f"{beam_path(spec.report.rstrip('/'))}/{PART}",
            file_name_suffix=SUFFIX,
            max_records_per_shard=ROWS_PER_PART,
        )
    )
    parts = rows | "WriteRows" >> write
    totals = rows | "AddUp" >> beam.CombineGlobally(AddUp())  # type: ignore[no-untyped-call]
    _ = totals | "WriteSummary" >> beam.Map(_write_summary, spec=spec, parts=beam.pvalue.AsList(parts))


def _write_summary(totals: Totals, *, spec: LaunchSpec, parts: list[str]) -> None:
    facts = {"version": 1, "run_id": spec.run_id, "job": spec.job, "step": spec.step}
    write_summary(spec.report, {**facts, **totals, "parts": len(parts)})


class ProcessItems(beam.DoFn):
    """Lines of the manifest -> encoded report rows, several items at a time.

    ``process`` hands the item over and gives the rows that are ready; ``finish_bundle`` waits for the
    rest. So one worker process uses all cores, and a long item holds nobody up but itself.
    """

    def __init__(self, spec: LaunchSpec, *, in_process: bool) -> None:
        self._spec = spec
        self._in_process = in_process
        self._crew: Crew
        self._progress: Progress | None = None
        self._in_work = 0
        self._ended: SimpleQueue[Future[ReportRow]]

    def setup(self) -> None:
        """Join this process's crew."""
        self._crew = crew_for(self._spec)
        if self._in_process:
            self._progress = Progress(job=self._spec.job, total=self._spec.total)

    def start_bundle(self) -> None:
        """Begin with nothing in work."""
        self._ended, self._in_work = SimpleQueue(), 0

    def process(self, line: str) -> Iterator[str]:
        """Submit one item; give what is ready, wait only when too much is in work."""
        self._in_work += 1
        self._crew.submit(line).add_done_callback(self._ended.put)
        # A remote runner moves what is not begun to a worker that is idle, so none takes much at a time.
        most = WINDOW if self._in_process else self._crew.max_in_flight
        yield from self._take(wait_for_one=self._in_work >= most)

    def finish_bundle(self) -> Iterator[Any]:
        """Wait for the items that are still in work."""
        while self._in_work:
            for row in self._take(wait_for_one=True):
                yield WindowedValue(row, MIN_TIMESTAMP, (GlobalWindow(),))

    def _take(self, *, wait_for_one: bool) -> Iterator[str]:
        while self._in_work:
            try:
                future = self._ended.get(block=wait_for_one)
            except Empty:
                return
            wait_for_one = False
            self._in_work -= 1
            yield self._account(future.result())

    def _account(self, row: ReportRow) -> str:
        count_row(row)
        if self._progress is not None:
            self._progress.note(row)
        return encode_report_row(row)
