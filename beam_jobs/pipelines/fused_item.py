"""What happens to one item in a fused line: each object is fetched once, each step reads what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from beam_jobs.contract.fused import FusedSpec, decode_fused_row
from beam_jobs.contract.manifest import ManifestRow
from beam_jobs.contract.report import ReportRow, Status
from beam_jobs.isolation.pool import StepPool
from beam_jobs.isolation.task import StepOutcome, StepTask
from beam_jobs.pipelines.desk import MAX_MESSAGE, ItemDesk
from beam_jobs.pipelines.make import make_artifact
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
        """Do the jobs of one item, parents first."""
        lost = {row.job: row for row in work.rows if row.status not in _THERE}
        rows = list(work.rows)
        with self._pool.session() as run, _Tray(work, self._desks) as tray:
            for name, row in work.todo.items():
                blocker = next((lost[parent] for parent in self._jobs[name].parents if parent in lost), None)
                made = _blocked(name, row.item, blocker) if blocker else self._make(name, row, tray, run)
                if made.status not in _THERE:
                    lost[name] = made
                rows.append(made)
        return rows

    def _look_outside(
        self, name: str, item: str, todo: Mapping[str, object], found: dict[str, Found | None]
    ) -> None:
        """Look for the inputs that no job of the line is about to make."""
        desk = self._desks[name]
        for key, uri in desk.input_uris(item).items():
            if desk.spec.needs.get(key) not in todo and uri not in found:
                found[uri] = desk.look(uri)

    def _make(self, name: str, row: ManifestRow, tray: _Tray, run: Run) -> ReportRow:
        desk, trace = self._desks[name], Trace(stage="fetch")
        uris = desk.input_uris(row.item)
        try:
            for key, uri in uris.items():
                desk.take_note(row.item, key, tray.find(uri), trace)
            with trace.at("fetch"):
                inputs = {key: tray.fetch(uri, desk.spec.limits.attempts) for key, uri in uris.items()}
            keep = tuple(key for key, uri in uris.items() if tray.is_read_again(uri))
            made = tray.hold.enter_context(
                make_artifact(desk, row, inputs, trace, run=run, use=self._uses[name], keep=keep)
            )
        except Exception as error:
            return desk.failed(row.item, trace, error)
        finally:
            tray.count_off(uris.values())
        if made.path is not None:
            tray.put(made.uri, made.path)
        return made.row


class _Tray:
    """The local files of one item, for as long as it is worked on."""

    def __init__(self, work: FusedWork, desks: Mapping[str, ItemDesk]) -> None:
        self._found = dict(work.found)
        self._files: dict[str, str] = {}
        self._readers = Counter(
            uri for name, row in work.todo.items() for uri in desks[name].input_uris(row.item).values()
        )
        self.hold = ExitStack()

    def find(self, uri: str) -> Found | None:
        """Return what is known to be at ``uri``."""
        if uri not in self._found:
            self._found[uri] = store_for(uri).look(uri)
        return self._found[uri]

    def fetch(self, uri: str, attempts: int) -> str:
        """Return a local file with the object's bytes, copied at most once."""
        if uri not in self._files:
            store = store_for(uri)
            path = with_retries(lambda: store.fetch(uri, self._scratch), attempts=attempts)
            self._files[uri] = str(path)
        return self._files[uri]

    def is_read_again(self, uri: str) -> bool:
        """Tell whether another job reads the object."""
        return self._readers[uri] > 1

    def count_off(self, uris: object) -> None:
        """Take note that a job has read its inputs."""
        self._readers.subtract(uris)  # type: ignore[call-overload]

    def put(self, uri: str, path: Path) -> None:
        """Have what was just made at hand for the jobs that read it."""
        self._files[uri] = str(path)
        self._found[uri] = Found(size=path.stat().st_size, updated=0.0)

    def __enter__(self) -> _Tray:
        self._scratch = self.hold.enter_context(Scratch())
        return self

    def __exit__(self, *exception: object) -> None:
        self.hold.close()


def _blocked(job: str, item: str, blocker: ReportRow) -> ReportRow:
    message = f"parent-failed: item {item!r}: job {blocker.job!r}: {blocker.message}"[:MAX_MESSAGE]
    return ReportRow(item=item, job=job, status=Status.BLOCKED, stage="plan", message=message)
