"""What happens to one item in a fused line: each object is fetched once, each step reads what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from beam_jobs.contract.fused import FusedSpec, decode_fused_row
from beam_jobs.contract.manifest import ManifestRow
from beam_jobs.contract.report import ReportRow, Status
from beam_jobs.isolation.pool import StepPool
from beam_jobs.isolation.task import StepOutcome, StepTask
from beam_jobs.pipelines.desk import MAX_MESSAGE, ItemDesk
from beam_jobs.pipelines.make import Draft, drafted
from beam_jobs.pipelines.trace import Trace
from beam_jobs.storage.retry import with_retries
from beam_jobs.storage.store import Found, Scratch, store_for

Rows = list[ReportRow]
Run = Callable[[StepTask], StepOutcome]

_THERE = (Status.DONE, Status.PRESENT, Status.PINGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedWork:
    """An item of which some job lacks its artifact.

    :param rows: of the jobs that need no work or cannot have it.
    :param todo: job -> row of its manifest, parents first.
    :param found: objects that the line reads and does not make, as far as they are there.
    """

    rows: Rows
    todo: Mapping[str, ManifestRow]
    found: Mapping[str, Found | None]

    @property
    def size(self) -> int:
        """Bytes of what is read: what the item will take, roughly."""
        return sum(found.size for found in self.found.values() if found is not None)


class FusedItemWorker:
    """Takes one line of a fused manifest to one report row per job that it names; thread-safe."""

    def __init__(self, spec: FusedSpec, pool: StepPool) -> None:
        self._jobs = {job.spec.job: job for job in spec.line}
        self._uses = {name: number for number, name in enumerate(self._jobs)}
        self._desks = {name: ItemDesk(job.spec) for name, job in self._jobs.items()}
        self._pool = pool

    def look(self, line: str) -> Rows | FusedWork:
        """Return the rows of an item that needs no work, else what there is to do."""
        asked = decode_fused_row(line)  # a file of ours: a line that is none ends the job
        rows: Rows = []
        todo: dict[str, ManifestRow] = {}
        found: dict[str, Found | None] = {}
        for name in filter(asked.__contains__, self._jobs):
            row, trace, desk = asked[name], Trace(), self._desks[name]
            try:
                settled = desk.settled(row, trace)
                if settled is None:
                    self._look_outside(name, row.item, todo, found)
            except Exception as error:
                settled = desk.failed(row.item, trace, error)
            if settled is None:
                todo[name] = row
            else:
                rows.append(settled)
        return FusedWork(rows=rows, todo=todo, found=found) if todo else rows

    def do(self, work: FusedWork) -> Rows:
        """Do the jobs of one item, parents first.

        A child process is held for the steps alone: what they read is copied before, what they made is
        published after, while the next item's steps run.
        """
        lost = {row.job: row for row in work.rows if row.status not in _THERE}
        with _Tray(work, self._desks) as tray:
            calls = [_Call(name=name, row=row, desk=self._desks[name]) for name, row in work.todo.items()]
            for call in calls:
                call.fetch_ahead(tray)
            with self._pool.session() as run:
                for call in calls:
                    self._draft(call, lost, tray, run)
            for call in calls:
                self._publish(call, lost)
        return [*work.rows, *(call.end for call in calls if call.end is not None)]

    def _draft(self, call: _Call, lost: dict[str, ReportRow], tray: _Tray, run: Run) -> None:
        """Run a step, unless a job that it needs has lost the item."""
        if (blocker := self._blocker(call, lost)) is not None:
            call.end = _blocked(call, blocker)
        else:
            call.draft_into(tray, run, use=self._uses[call.name])
        call.count_off(tray)
        if call.end is not None:
            lost[call.name] = call.end

    def _publish(self, call: _Call, lost: dict[str, ReportRow]) -> None:
        """Publish what a step made, unless what it was made of could not be."""
        if call.draft is None:
            return
        blocker = self._blocker(call, lost)
        call.end = _blocked(call, blocker) if blocker is not None else call.publish()
        if call.end.status not in _THERE:
            lost[call.name] = call.end

    def _blocker(self, call: _Call, lost: Mapping[str, ReportRow]) -> ReportRow | None:
        return next((lost[parent] for parent in self._jobs[call.name].parents if parent in lost), None)

    def _look_outside(
        self, name: str, item: str, todo: Mapping[str, object], found: dict[str, Found | None]
    ) -> None:
        """Look for the inputs that no job of the line is about to make."""
        desk = self._desks[name]
        for key, uri in desk.input_uris(item).items():
            if desk.spec.needs.get(key) not in todo and uri not in found:
                found[uri] = desk.look(uri)


@dataclass(slots=True, kw_only=True)
class _Call:
    """One job's way with the item.

    :param fault: why an input could not be copied.
    :param end: its report row, as soon as that is known.
    """

    name: str
    row: ManifestRow
    desk: ItemDesk
    trace: Trace = field(default_factory=lambda: Trace(stage="fetch"))
    fault: Exception | None = None
    draft: Draft | None = None
    end: ReportRow | None = None

    def fetch_ahead(self, tray: _Tray) -> None:
        """Copy the inputs that no job of the line makes."""
        try:
            with self.trace.at("fetch"):
                for uri in filter(tray.is_outside, self._uris().values()):
                    tray.fetch(uri, self.desk.spec.limits.attempts)
        except Exception as error:
            self.fault = error

    def draft_into(self, tray: _Tray, run: Run, *, use: int) -> None:
        """Run the step on what is there and have what it made at hand for the next ones."""
        uris, trace = self._uris(), self.trace
        try:
            for key, uri in uris.items():
                self.desk.take_note(self.row.item, key, tray.find(uri), trace)
            if self.fault is not None:
                raise self.fault
            with trace.at("fetch"):
                inputs = {key: tray.fetch(uri, self.desk.spec.limits.attempts) for key, uri in uris.items()}
            keep = tuple(key for key, uri in uris.items() if tray.is_read_again(uri))
            output_is_read = tray.is_read(self.desk.output.of(self.row.item))
            made = tray.hold.enter_context(
                drafted(
                    self.desk, self.row, inputs, trace, run=run, use=use, keep=keep,
                    output_is_read=output_is_read,
                )
            )  # fmt: skip
        except Exception as error:
            self.end = self.desk.failed(self.row.item, trace, error)
            return
        if isinstance(made, ReportRow):
            self.end = made
        else:
            self.draft = made
            tray.put(made.uri, made.path)

    def publish(self) -> ReportRow:
        """Publish the draft and return the row."""
        assert self.draft is not None  # noqa: S101 (asked for by its caller)
        try:
            return self.draft.publish(self.desk, self.trace)
        except Exception as error:
            return self.desk.failed(self.row.item, self.trace, error)

    def count_off(self, tray: _Tray) -> None:
        """Take note that the job has read its inputs, or never will."""
        tray.count_off(self._uris().values())

    def _uris(self) -> dict[str, str]:
        return self.desk.input_uris(self.row.item)


class _Tray:
    """The local files of one item, for as long as it is worked on."""

    def __init__(self, work: FusedWork, desks: Mapping[str, ItemDesk]) -> None:
        self._outside = {uri for uri, found in work.found.items() if found is not None}
        self._found = dict(work.found)
        self._files: dict[str, str] = {}
        self._readers = Counter(
            uri for name, row in work.todo.items() for uri in desks[name].input_uris(row.item).values()
        )
        self.hold = ExitStack()

    def is_outside(self, uri: str) -> bool:
        """Tell whether the object is there already, made by none of the jobs."""
        return uri in self._outside

    def find(self, uri: str) -> Found | None:
        """Return what is known to be at ``uri``."""
        return self._found[uri]

    def fetch(self, uri: str, attempts: int) -> str:
        """Return a local file with the object's bytes, copied at most once."""
        if uri not in self._files:
            store = store_for(uri)
            path = with_retries(lambda: store.fetch(uri, self._scratch), attempts=attempts)
            self._files[uri] = str(path)
        return self._files[uri]

    def is_read(self, uri: str) -> bool:
        """Tell whether a job is still to read the object."""
        return self._readers[uri] > 0

    def is_read_again(self, uri: str) -> bool:
        """Tell whether another job reads the object."""
        return self._readers[uri] > 1

    def count_off(self, uris: Iterable[str]) -> None:
        """Take note that a job has read its inputs."""
        self._readers.subtract(uris)

    def put(self, uri: str, path: Path) -> None:
        """Have what was just made at hand for the jobs that read it."""
        self._files[uri] = str(path)
        self._found[uri] = Found(size=path.stat().st_size, updated=0.0)

    def __enter__(self) -> _Tray:
        self._scratch = self.hold.enter_context(Scratch())
        return self

    def __exit__(self, *exception: object) -> None:
        self.hold.close()


def _blocked(call: _Call, blocker: ReportRow) -> ReportRow:
    item = call.row.item
    message = f"parent-failed: item {item!r}: job {blocker.job!r}: {blocker.message}"[:MAX_MESSAGE]
    return ReportRow(item=item, job=call.name, status=Status.BLOCKED, stage="plan", message=message)
