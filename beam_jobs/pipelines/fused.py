"""The batch pipeline of several jobs at once: one manifest -> items -> a report per job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from beam_jobs.contract.fused import FusedSpec
from beam_jobs.contract.report import encode_report_row
from beam_jobs.pipelines.batch import read_lines, write_report
from beam_jobs.pipelines.bundle import ProcessLines
from beam_jobs.pipelines.crew import FusedCrew, fused_crew_for
from beam_jobs.pipelines.fused_item import Rows
from beam_jobs.pipelines.metrics import count_row
from beam_jobs.pipelines.progress import Progress


def build_fused(pipeline: beam.Pipeline, spec: FusedSpec, *, in_process: bool) -> None:
    """Put the pipeline of ``spec`` together.

    :param in_process: the worker is this process, so it can tell the launcher about progress.
    """
    lines = read_lines(pipeline, spec.manifest, spread=not in_process)
    names = [job.spec.job for job in spec.line]
    rows = lines | "Process" >> beam.ParDo(ProcessFused(spec, in_process=in_process)).with_outputs(*names)
    for job in spec.line:
        name = job.spec.job
        write_report(rows[name], job.spec, in_process=in_process, of=f" of {name}")


class ProcessFused(ProcessLines[Rows]):
    """Lines of the manifest -> encoded report rows, each under the name of its job."""

    def __init__(self, spec: FusedSpec, *, in_process: bool) -> None:
        super().__init__(in_process=in_process)
        self._spec = spec
        self._progress: dict[str, Progress] = {}

    def setup(self) -> None:
        """Join this process's crew."""
        super().setup()
        if self.in_process:
            specs = [job.spec for job in self._spec.line]
            self._progress = {spec.job: Progress(job=spec.job, total=spec.total) for spec in specs}

    def join(self) -> FusedCrew:
        """Return the crew that does all the jobs."""
        return fused_crew_for(self._spec)

    def give(self, outcome: Rows) -> Iterator[Any]:
        """Count an item's rows and encode them."""
        for row in outcome:
            count_row(row)
            if row.job in self._progress:
                self._progress[row.job].note(row)
            yield TaggedOutput(row.job, encode_report_row(row))
