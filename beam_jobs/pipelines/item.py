"""What happens to one item: look, fetch, run the step, publish; and the one report row of it."""

from __future__ import annotations

from dataclasses import dataclass

from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.manifest import ManifestRow
from beam_jobs.contract.report import ReportRow
from beam_jobs.isolation.pool import StepPool
from beam_jobs.pipelines.desk import ItemDesk
from beam_jobs.pipelines.make import make_artifact
from beam_jobs.pipelines.trace import Trace
from beam_jobs.storage.retry import with_retries
from beam_jobs.storage.store import Scratch, store_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """An item that has its inputs and lacks its artifact.

    :param uris: input name -> object.
    """

    row: ManifestRow
    uris: dict[str, str]
    trace: Trace

    @property
    def size(self) -> int:
        """Bytes of all inputs: what the item will take, roughly."""
        return self.trace.bytes_in


class ItemLooker:
    """Finds out what there is to do of a line of the manifest; thread-safe."""

    def __init__(self, spec: LaunchSpec, pool: StepPool, *, desk: ItemDesk | None = None) -> None:
        self._desk = desk or ItemDesk(spec)
        self._attempts = spec.limits.attempts
        self._pool = pool

    def look(self, line: str) -> ReportRow | Work:
        """Return the row of an item that needs no work or cannot have it, else what there is to do."""
        row = self._desk.read_row(line)
        if isinstance(row, ReportRow):
            return row
        trace = Trace()
        try:
            settled = self._desk.settled(row, trace)
            return settled or Work(row=row, uris=self._desk.look_for_inputs(row.item, trace), trace=trace)
        except Exception as error:
            return self._desk.failed(row.item, trace, error)

    def _fetch(self, uri: str, scratch: Scratch) -> str:
        store = store_for(uri)
        return str(with_retries(lambda: store.fetch(uri, scratch), attempts=self._attempts))


class ItemWorker(ItemLooker):
    """Takes one line of the manifest to one report row, whatever happens; thread-safe."""

    def do(self, work: Work) -> ReportRow:
        """Do the work and return the item's row."""
        trace = work.trace
        try:
            with Scratch() as scratch:
                with trace.at("fetch"):
                    inputs = {name: self._fetch(uri, scratch) for name, uri in work.uris.items()}
                return make_artifact(self._desk, work.row, inputs, trace, run=self._pool.run)
        except Exception as error:
            return self._desk.failed(work.row.item, trace, error)
