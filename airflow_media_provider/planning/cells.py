"""A plan's cells: one small number per (item, job), and views of them that people and programs read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from airflow_media_provider.planning.codes import Action, BoolArray, CodeArray, CodeBook, Reason

BLOCK = 1 << 16
"""Rows turned into Python objects at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One (item, job) in words.

    :param action: ``run``, ``skip`` or ``blocked``.
    :param reason: a reason code, e.g. ``needed-by(beat_tracking)``.
    """

    item: str
    job: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCells:
    """The cells of one job, with their items.

    :param items: sorted item ids.
    :param codes: one per item.
    :param book: what the codes mean.
    """

    job: str
    items: pa.LargeStringArray
    codes: CodeArray
    book: CodeBook

    def mask(self, action: str, reason: str | None = None) -> BoolArray:
        """Tell which items have ``action`` (for ``reason``, when given)."""
        return _mask(self.codes, self.book, action, reason)

    @property
    def forced(self) -> BoolArray:
        """Which items are done again although present."""
        return self.mask(Action.RUN, Reason.FORCED)

    @property
    def ping(self) -> BoolArray:
        """Which items are only traced."""
        return _ping(self.codes, self.book)

    def take(self, mask: BoolArray) -> JobCells:
        """Return the cells of the items in ``mask``."""
        items = self.items.filter(pa.array(mask))
        return JobCells(job=self.job, items=items, codes=self.codes[mask], book=self.book)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTable:
    """The cells of every reached job, in the order of the selection's items.

    :param codes: job -> one code per item, jobs with parents first.
    :param books: job -> what its codes mean.
    """

    codes: Mapping[str, CodeArray]
    books: Mapping[str, CodeBook]

    @property
    def jobs(self) -> tuple[str, ...]:
        """The reached jobs, parents first."""
        return tuple(self.codes)

    def mask(self, job: str, action: str, reason: str | None = None) -> BoolArray:
        """Tell which items have ``action`` in ``job`` (for ``reason``, when given)."""
        return _mask(self.codes[job], self.books[job], action, reason)

    def ping(self, job: str) -> BoolArray:
        """Tell which items are only traced in ``job``."""
        return _ping(self.codes[job], self.books[job])

    def counts(self) -> dict[str, dict[str, int]]:
        """Count cells per job as ``run``, ``present`` and ``blocked``; an excluded one counts nowhere."""
        return {
            job: {
                "run": int(self.mask(job, Action.RUN).sum()),
                "present": int(self.mask(job, Action.SKIP, Reason.PRESENT).sum()),
                "blocked": int(self.mask(job, Action.BLOCKED).sum()),
            }
            for job in self.jobs
        }

    def of(self, job: str, items: pa.LargeStringArray) -> JobCells:
        """Return the cells of one job."""
        return JobCells(job=job, items=items, codes=self.codes[job], book=self.books[job])

    def rows(self, items: pa.LargeStringArray) -> Iterator[Cell]:
        """Yield every cell, item by item and parents first, holding few of them at a time."""
        names = {job: _words(self.books[job]) for job in self.jobs}
        for start in range(0, len(items), BLOCK):
            part = slice(start, start + BLOCK)
            columns = [(job, names[job], self.codes[job][part].tolist()) for job in self.jobs]
            for row, item in enumerate(items[part].to_pylist()):
                for job, words, codes in columns:
                    action, reason = words[codes[row]]
                    yield Cell(item=item, job=job, action=action, reason=reason)


def _words(book: CodeBook) -> dict[int, tuple[str, str]]:
    words = dict(enumerate(book.names))
    return words | {code | book.ping_bit: pair for code, pair in words.items()}


def _mask(codes: CodeArray, book: CodeBook, action: str, reason: str | None) -> BoolArray:
    return book.table(action, reason)[codes]


def _ping(codes: CodeArray, book: CodeBook) -> BoolArray:
    mask: BoolArray = (codes & codes.dtype.type(book.ping_bit)) != 0
    return mask
