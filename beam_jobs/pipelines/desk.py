"""What all items of one job have in common: addresses, stores, and how a row is written."""

from __future__ import annotations

from beam_jobs.contract.address import Address
from beam_jobs.contract.errors import InvalidItemId, InvalidSpec, MediaJobError, StepError
from beam_jobs.contract.item import MAX_ID_BYTES, parent_of
from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.manifest import ManifestRow, decode_row
from beam_jobs.contract.report import ReportRow, Status
from beam_jobs.isolation.task import StepOutcome
from beam_jobs.pipelines.trace import Trace
from beam_jobs.storage.refusal import explain
from beam_jobs.storage.retry import is_transient, with_retries
from beam_jobs.storage.store import Found, WorkerStore, store_for

MAX_MESSAGE = 2000


class MissingInput(Exception):
    """An input object is not there; the item is blocked, not failed."""


class ItemDesk:
    """What every item of one job has in common: addresses and stores.

    :raises InvalidTemplate: for an input or output address without exactly one ``{item}``.
    """

    def __init__(self, spec: LaunchSpec) -> None:
        self.spec = spec
        self.inputs = {name: Address.parse(template) for name, template in spec.inputs.items()}
        self.output = Address.parse(spec.output)
        self.children = Address.parse(spec.child_output) if spec.child_output else None
        self.store: WorkerStore = store_for(self.output.prefix)

    def read_row(self, line: str) -> ManifestRow | ReportRow:
        """Return the manifest's row, or a failed report row when the line or its id is none."""
        try:
            row = decode_row(line)
        except InvalidSpec as error:
            return self.failed(line[:200], Trace(), error)
        try:
            self.output.of(row.item)
        except InvalidItemId as error:
            return self.failed(row.item[:MAX_ID_BYTES], Trace(), error)
        return row

    def settled(self, row: ManifestRow, trace: Trace) -> ReportRow | None:
        """Return the row of an item that needs no work, else None."""
        if row.ping or self.spec.ping:
            return self.row(row.item, Status.PINGED, trace)
        uri = self.output.of(row.item)
        with trace.at("fetch"):
            found = self.look(uri)
        if found is None or (row.force and self._is_older(found)):
            return None
        return self.row(row.item, Status.PRESENT, trace, uri=uri, bytes_out=found.size)

    def look_for_inputs(self, item: str, trace: Trace) -> dict[str, str]:
        """Return input name -> URI of objects that exist.

        :raises MissingInput: names the first that does not.
        """
        uris = self.input_uris(item)
        with trace.at("fetch"):
            for name, uri in uris.items():
                self.take_note(item, name, self.look(uri), trace)
        return uris

    def input_uris(self, item: str) -> dict[str, str]:
        """Return input name -> where its object should be."""
        ids = {name: parent_of(item) if name in self.spec.of_parent else item for name in self.inputs}
        return {name: address.of(ids[name]) for name, address in self.inputs.items()}

    def take_note(self, item: str, name: str, found: Found | None, trace: Trace) -> None:
        """Count an input that was found; raises MissingInput for one that was not."""
        if found is None:
            raise MissingInput(self._missing(item, name, self.input_uris(item)[name]))
        trace.bytes_in += found.size

    def look(self, uri: str) -> Found | None:
        """Return what is at ``uri``, or None."""
        return with_retries(lambda: store_for(uri).look(uri), attempts=self.spec.limits.attempts)

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

    def lost(self, item: str, trace: Trace, outcome: StepOutcome) -> ReportRow:
        """Return the row of an item whose step failed."""
        return self.row(
            item, Status.FAILED, trace,
            error_class=outcome.error_class, message=outcome.message, stage=outcome.stage,
        )  # fmt: skip

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


class PatientDesk(ItemDesk):
    """A desk where an item is not failed for trouble that passes: it can be had again.

    Its :meth:`failed` raises the error then.
    """

    def failed(self, item: str, trace: Trace, error: Exception) -> ReportRow:
        """Return the row of an item that ended in ``error`` for good."""
        if is_transient(error) and not isinstance(error, StepError):
            raise error
        return super().failed(item, trace, error)
