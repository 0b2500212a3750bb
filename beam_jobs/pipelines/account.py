"""The end of every pipeline whose rows are not made in one place."""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam

from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.report import ReportRow, encode_report_row
from beam_jobs.pipelines.metrics import count_row
from beam_jobs.pipelines.progress import Progress


class Account(beam.DoFn):
    """Rows -> encoded rows, counted."""

    def __init__(self, spec: LaunchSpec, *, in_process: bool) -> None:
        self._spec, self._in_process = spec, in_process
        self._progress: Progress | None = None

    def setup(self) -> None:
        """Tell of progress only where the launcher hears it."""
        if self._in_process:
            self._progress = Progress(job=self._spec.job, total=self._spec.total)

    def process(self, row: ReportRow) -> Iterator[str]:
        """Count a row and encode it."""
        count_row(row)
        if self._progress is not None:
            self._progress.note(row)
        yield encode_report_row(row)
