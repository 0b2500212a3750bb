"""Run a step on one item and publish what it made, an item's children before their index."""

from __future__ import annotations

import glob
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from beam_jobs.contract.address import Address
from beam_jobs.contract.errors import StepResultError
from beam_jobs.contract.item import MAX_CHILDREN, child_name
from beam_jobs.contract.manifest import ManifestRow
from beam_jobs.contract.report import ReportRow, Status
from beam_jobs.isolation.task import StepOutcome, StepTask
from beam_jobs.pipelines.desk import ItemDesk
from beam_jobs.pipelines.trace import Trace
from beam_jobs.storage.retry import with_retries


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a step made of an item, before it is published.

    :param path: a local file with the artifact's bytes, until it is published.
    :param children: names of the item's children, whose files lie beside it.
    """

    row: ManifestRow
    uri: str
    path: Path
    size: int
    children: Sequence[str]

    def publish(self, desk: ItemDesk, trace: Trace) -> ReportRow:
        """Put it where it belongs and return the item's row.

        :raises OSError: when storage refuses.
        """
        size = self.size
        with trace.at("write"):
            if desk.children is not None:
                size += _publish_children(desk, desk.children, self.row, self.path, self.children)
            made = _publish(desk, self.path, self.uri, replace=self.row.force)
        status = Status.DONE if made else Status.PRESENT
        return desk.row(self.row.item, status, trace, uri=self.uri, bytes_out=size)


def make_artifact(
    desk: ItemDesk,
    row: ManifestRow,
    inputs: Mapping[str, str],
    trace: Trace,
    *,
    run: Callable[[StepTask], StepOutcome],
) -> ReportRow:
    """Make and publish one item's artifact, and return the item's row.

    :param inputs: input name -> local file.
    :param run: runs the step, in another process.
    :raises OSError: when storage refuses.
    :raises StepResultError: for an artifact without a byte.
    """
    with drafted(desk, row, inputs, trace, run=run) as made:
        return made if isinstance(made, ReportRow) else made.publish(desk, trace)


@contextmanager
def drafted(
    desk: ItemDesk,
    row: ManifestRow,
    inputs: Mapping[str, str],
    trace: Trace,
    *,
    run: Callable[[StepTask], StepOutcome],
    use: int = 0,
    keep: tuple[str, ...] = (),
    output_is_read: bool = False,
) -> Iterator[Draft | ReportRow]:
    """Make one item's artifact and give it, or the row of an item whose step failed.

    :param use: which of the process's steps.
    :param keep: inputs that another step reads next.
    :param output_is_read: another step reads the artifact next.
    """
    uri = desk.output.of(row.item)
    trace.stage = "write"
    with desk.store.draft(uri, desk.output.suffix) as path, _cleared(path):
        trace.stage = "step"
        suffix = desk.children.suffix if desk.children else ""
        task = StepTask(
            item=row.item, inputs=inputs, output=str(path), child_suffix=suffix, use=use, keep=keep,
            output_is_read=output_is_read,
        )  # fmt: skip
        outcome = run(task)
        trace.add(outcome)
        if outcome.error_class:
            yield desk.lost(row.item, trace, outcome)
            return
        size = path.stat().st_size
        if size == 0:
            raise StepResultError(f"item {row.item!r}: the artifact is empty")
        yield Draft(row=row, uri=uri, path=path, size=size, children=outcome.children)


def _publish(desk: ItemDesk, draft: Path, uri: str, *, replace: bool) -> bool:
    attempts = desk.spec.limits.attempts
    return with_retries(lambda: desk.store.publish(draft, uri, replace=replace), attempts=attempts)


def _publish_children(
    desk: ItemDesk, address: Address, row: ManifestRow, draft: Path, names: Sequence[str]
) -> int:
    """Publish the files of an item's children and return their size.

    What is there already is of an attempt that broke off, or of a file that has been replaced since, so none
    of it is kept. Without an index the item is not split, so a split that is done again takes it away first.
    """
    files = {name: draft.with_name(f"{draft.name}.{name}{address.suffix}") for name in names}
    for name, made in files.items():
        if not made.is_file() or not made.stat().st_size:
            raise StepResultError(
                f"item {row.item!r}: the step named the child {name} and wrote no file for it"
            )
    if row.force:
        _remove(desk, desk.output.of(row.item))
    size = 0
    for name, made in files.items():
        uri = address.of(f"{row.item}/{name}")
        with desk.store.draft(uri, address.suffix) as place:
            size += made.stat().st_size
            shutil.move(made, place)
            _publish(desk, place, uri, replace=True)
    _remove_surplus(desk, address, row.item, len(names))
    return size


def _remove_surplus(desk: ItemDesk, address: Address, item: str, count: int) -> None:
    """Remove children of an older split into more pieces, the last one first so that no gap hides any."""
    surplus = []
    for number in range(count, MAX_CHILDREN):
        uri = address.of(f"{item}/{child_name(number)}")
        if with_retries(partial(desk.store.look, uri), attempts=desk.spec.limits.attempts) is None:
            break
        surplus.append(uri)
    for uri in reversed(surplus):
        _remove(desk, uri)


def _remove(desk: ItemDesk, uri: str) -> None:
    with_retries(partial(desk.store.remove, uri), attempts=desk.spec.limits.attempts)


@contextmanager
def _cleared(draft: Path) -> Iterator[None]:
    """Remove children's files that a failed step left beside its draft."""
    try:
        yield
    finally:
        for path in draft.parent.glob(f"{glob.escape(draft.name)}.~*"):
            path.unlink(missing_ok=True)
