"""What one message comes to: of the target's whole line, just what is missing, parents first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from beam_jobs.contract.address import Address
from beam_jobs.contract.manifest import ManifestRow, encode_row
from beam_jobs.contract.report import ReportRow, Status
from beam_jobs.contract.stream import LineJob, StreamSpec
from beam_jobs.pipelines.crew import StreamCrew, stream_crew_for
from beam_jobs.pipelines.desk import MAX_MESSAGE
from beam_jobs.storage.refusal import explain
from beam_jobs.storage.retry import is_transient, with_retries
from beam_jobs.storage.store import store_for

_THERE = (Status.DONE, Status.PRESENT, Status.PINGED)


class Line:
    """The jobs of a stream, with the children that run their steps; thread-safe."""

    def __init__(self, spec: StreamSpec) -> None:
        self._spec = spec
        self._jobs = {job.spec.job: job for job in spec.line}
        self._crews: dict[str, StreamCrew] = {
            name: stream_crew_for(job.spec) for name, job in self._jobs.items()
        }
        self._outputs = {name: Address.parse(job.spec.output) for name, job in self._jobs.items()}
        self._items = _Locks()

    def run(self, item: str, *, force: bool, ping: bool, asked_at: datetime) -> list[ReportRow]:
        """Make what the target lacks for one item; the last row is the target's.

        :param force: make the target again, unless that was done after ``asked_at``: a message that comes a
            second time asks for nothing new.
        :raises Exception: for trouble that passes by itself; the item can be had again.
        """
        with self._items.held(item):
            rows: list[ReportRow] = []
            try:
                for row in self._rows(item, force=force, ping=ping, asked_at=asked_at):
                    rows.append(row)
            except Exception as error:
                if is_transient(error):
                    raise
                rows.append(self._failed(item, error))
            return rows

    def _rows(self, item: str, *, force: bool, ping: bool, asked_at: datetime) -> Iterator[ReportRow]:
        target = self._spec.target
        redo = force and not self._is_young(target, item, asked_at)
        lost: dict[str, ReportRow] = {}
        for name in self._wanted(item, redo=redo):
            job = self._jobs[name]
            blocker = next((lost[parent] for parent in job.parents if parent in lost), None)
            row = self._run_one(job, item, force=redo and name == target, ping=ping, blocker=blocker)
            if row.status not in _THERE:
                lost[name] = row
            yield row

    def _failed(self, item: str, error: Exception) -> ReportRow:
        """Return the target's row of an item for which nothing can be looked up or begun."""
        name, text = type(error).__name__, str(error) or type(error).__name__
        if isinstance(error, OSError):
            name, text = "StorageError", explain(error)
        return ReportRow(
            item=item, job=self._spec.target, status=Status.FAILED, stage="plan", error_class=name,
            message=f"item {item!r}: {text}"[:MAX_MESSAGE],
        )  # fmt: skip

    def _wanted(self, item: str, *, redo: bool) -> list[str]:
        """Return the jobs that must run, the target always among them: it then says that it is there."""
        target = self._spec.target
        wanted = {target}
        if redo or not self._exists(target, item):
            self._add_missing(target, item, wanted)
        return [job.spec.job for job in self._spec.line if job.spec.job in wanted]

    def _add_missing(self, name: str, item: str, wanted: set[str]) -> None:
        for parent in self._jobs[name].parents:
            if parent not in wanted and not self._exists(parent, item):
                wanted.add(parent)
                self._add_missing(parent, item, wanted)

    def _run_one(
        self, job: LineJob, item: str, *, force: bool, ping: bool, blocker: ReportRow | None
    ) -> ReportRow:
        if blocker is not None:
            message = f"parent-failed: item {item!r}: job {blocker.job!r}: {blocker.message}"[:MAX_MESSAGE]
            return ReportRow(
                item=item, job=job.spec.job, status=Status.BLOCKED, stage="plan", message=message
            )
        line = encode_row(ManifestRow(item=item, force=force, ping=ping))
        row: ReportRow = self._crews[job.spec.job].submit(line).result()
        return row

    def _exists(self, name: str, item: str) -> bool:
        return self._look(name, item) is not None

    def _is_young(self, name: str, item: str, when: datetime) -> bool:
        updated = self._look(name, item)
        return updated is not None and updated >= when.timestamp()

    def _look(self, name: str, item: str) -> float | None:
        uri = self._outputs[name].of(item)
        attempts = self._jobs[name].spec.limits.attempts
        found = with_retries(lambda: store_for(uri).look(uri), attempts=attempts)
        return None if found is None else found.updated


class _Locks:
    """A lock per item: two messages of one item are one after the other."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        with self._guard:
            lock, users = self._held.get(key, (threading.Lock(), 0))
            self._held[key] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, users = self._held.pop(key)
                if users > 1:
                    self._held[key] = (lock, users - 1)
