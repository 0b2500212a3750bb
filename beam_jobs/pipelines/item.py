"""What happens to one item: look, fetch, run the step, publish; and the one report row of it."""

from __future__ import annotations

from beam_jobs.contract.errors import StepResultError
from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.manifest import ManifestRow
from beam_jobs.contract.report import ReportRow, Status
from beam_jobs.isolation.pool import StepPool
from beam_jobs.isolation.task import StepTask
from beam_jobs.pipelines.desk import ItemDesk
from beam_jobs.pipelines.trace import Trace
from beam_jobs.storage.retry import with_retries
from beam_jobs.storage.store import Scratch, store_for


class ItemWorker:
    """Takes one line of the manifest to one report row, whatever happens; thread-safe."""

    def __init__(self, spec: LaunchSpec, pool: StepPool) -> None:
        self._desk = ItemDesk(spec)
        self._attempts = spec.limits.attempts
        self._pool = pool

    def run(self, line: str) -> ReportRow:
        """Return the report row of the item in ``line``."""
        row = self._desk.read_row(line)
        if isinstance(row, ReportRow):
            return row
        trace = Trace()
        try:
            return self._desk.settled(row, trace) or self._work(row, trace)
        except Exception as error:
            return self._desk.failed(row.item, trace, error)

    def _work(self, row: ManifestRow, trace: Trace) -> ReportRow:
        uris = self._desk.look_for_inputs(row.item, trace)
        with Scratch() as scratch:
            with trace.at("fetch"):
                inputs = {name: self._fetch(uri, scratch) for name, uri in uris.items()}
            return self._make(row, inputs, trace)

    def _fetch(self, uri: str, scratch: Scratch) -> str:
        store = store_for(uri)
        return str(with_retries(lambda: store.fetch(uri, scratch), attempts=self._attempts))

    def _make(self, row: ManifestRow, inputs: dict[str, str], trace: Trace) -> ReportRow:
        desk, uri = self._desk, self._desk.output.of(row.item)
        trace.stage = "write"
        with desk.store.draft(uri, desk.output.suffix) as draft:
            trace.stage = "step"
            outcome = self._pool.run(StepTask(item=row.item, inputs=inputs, output=str(draft)))
            trace.add(outcome)
            if outcome.error_class:
                return desk.row(
                    row.item, Status.FAILED, trace,
                    error_class=outcome.error_class, message=outcome.message, stage=outcome.stage,
                )  # fmt: skip
            size = draft.stat().st_size
            if size == 0:
                raise StepResultError(f"item {row.item!r}: the artifact is empty")
            with trace.at("write"):
                made = with_retries(
                    lambda: desk.store.publish(draft, uri, replace=row.force), attempts=self._attempts
                )
        return desk.row(row.item, Status.DONE if made else Status.PRESENT, trace, uri=uri, bytes_out=size)
