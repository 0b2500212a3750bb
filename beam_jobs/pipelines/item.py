"""What happens to one item: look, fetch, run the step, publish; and the one report row of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from beam_jobs.contract.address import Address
from beam_jobs.contract.errors import InvalidItemId, InvalidSpec, MediaJobError, StepResultError
from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.manifest import ManifestRow, decode_row
from beam_jobs.contract.report import ReportRow, Status
from beam_jobs.isolation.pool import StepPool
from beam_jobs.isolation.task import StepOutcome, StepTask
from beam_jobs.storage.refusal import explain
from beam_jobs.storage.retry import with_retries
from beam_jobs.storage.store import Found, Scratch, WorkerStore, store_for

MAX_MESSAGE = 2000


class MissingInput(Exception):
    """An input object is not there; the item is blocked, not failed."""


@dataclass(slots=True)
class Trace:
    """Where an item is, and what it took so far."""

    stage: str = "plan"
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    bytes_in: int = 0
    media_seconds: float = 0.0

    @contextmanager
    def at(self, stage: str) -> Iterator[None]:
        """Account what runs inside to ``stage``; an error leaves :attr:`stage` there."""
        self.stage = stage
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started

    def add(self, outcome: StepOutcome) -> None:
        """Take over what the child measured."""
        self.seconds |= outcome.seconds
        self.cpu_seconds |= outcome.cpu_seconds
        self.media_seconds = outcome.media_seconds


class ItemDesk:
    """What every item of one job has in common: addresses and stores.

    :raises InvalidTemplate: for an input or output address without exactly one ``{item}``.
    """

    def __init__(self, spec: LaunchSpec) -> None:
        self.spec = spec
        self.inputs = {name: Address.parse(template) for name, template in spec.inputs.items()}
        self.output = Address.parse(spec.output)
        self.store: WorkerStore = store_for(self.output.prefix)

    def read_row(self, line: str) -> ManifestRow | ReportRow:
        """Return the manifest's row, or a failed report row when the line or its id is none."""
        try:
            row = decode_row(line)
        except InvalidSpec as error:
            return self.failed(line[:200], Trace(), error)
        try:
            self.output.of(row.item)
        except (InvalidItemId, AttributeError, TypeError) as error:
            return self.failed(str(row.item)[:1000], Trace(), error)
        return row

    def settled(self, row: ManifestRow, trace: Trace) -> ReportRow | None:
        """Return the row of an item that needs no work, else None."""
        if row.ping or self.spec.ping:
            return self.row(row.item, Status.PINGED, trace)
        uri = self.output.of(row.item)
        with trace.at("fetch"):
            found = with_retries(lambda: self.store.look(uri), attempts=self.spec.limits.attempts)
        if found is None or (row.force and self._is_older(found)):
            return None
        return self.row(row.item, Status.PRESENT, trace, uri=uri, bytes_out=found.size)

    def look_for_inputs(self, item: str, trace: Trace) -> dict[str, str]:
        """Return input name -> URI of objects that exist.

        :raises MissingInput: names the first that does not.
        """
        uris = {name: address.of(item) for name, address in self.inputs.items()}
        with trace.at("fetch"):
            for name, uri in uris.items():
                found = with_retries(
                    lambda uri=uri: store_for(uri).look(uri), attempts=self.spec.limits.attempts
                )  # type: ignore[misc]
                if found is None:
                    raise MissingInput(self._missing(item, name, uri))
                trace.bytes_in += found.size
        return uris

    def row(self, item: str, status: Status, trace: Trace, **values: object) -> ReportRow:
        """Return a report row of what ``trace`` holds."""
        return ReportRow(
            item=item,
            job=self.spec.job,
            status=status,
            seconds={stage: round(spent, 6) for stage, spent in trace.seconds.items()},
            cpu_seconds={stage: round(spent, 6) for stage, spent in trace.cpu_seconds.items()},
            bytes_in=trace.bytes_in,
            media_seconds=trace.media_seconds,
            **values,  # type: ignore[arg-type]
        )

    def failed(self, item: str, trace: Trace, error: Exception) -> ReportRow:
        """Return the row of an item that ended in ``error``."""
        if isinstance(error, MissingInput):
            return self.row(item, Status.BLOCKED, trace, message=str(error)[:MAX_MESSAGE], stage="fetch")
        name, text = type(error).__name__, str(error) or type(error).__name__
        if isinstance(error, OSError) and trace.stage in ("fetch", "write"):
            name, text = "StorageError", explain(error)
        if not (isinstance(error, MediaJobError) and repr(item) in text):
            text = f"item {item!r}: {text}"
        return self.row(
            item, Status.FAILED, trace, error_class=name, message=text[:MAX_MESSAGE], stage=trace.stage
        )  # fmt: skip

    def _is_older(self, found: Found) -> bool:
        before = self.spec.redo_before
        return before is None or found.updated < before.timestamp()

    def _missing(self, item: str, name: str, uri: str) -> str:
        need = self.spec.needs.get(name)
        reason, maker = "input-missing", "what makes it"
        if need == "source":
            reason, maker = "source-missing", "the source file"
        elif need:
            reason, maker = "parent-failed", f"job {need!r}"
        return (
            f"{reason}: item {item!r}: input {name!r} is not at {uri}; see to {maker} first, then run again"
        )


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
