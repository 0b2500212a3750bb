"""Several plans over parts of one selection -> one table over all of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from airflow_media_provider.planning.cells import CellTable
from airflow_media_provider.planning.codes import CODE, Action, CodeArray, CodeBook, Reason
from airflow_media_provider.registry.model import JobGraph

Rows = NDArray[np.int64]

_RANK = {Action.RUN: 3, Action.BLOCKED: 2, Action.SKIP: 1}


def merge_tables(graph: JobGraph, size: int, parts: Iterable[tuple[Rows, CellTable]]) -> CellTable:
    """Return one table of ``size`` items.

    Where an item is in several parts, what runs wins over what is blocked, and that over what is skipped; of
    two that run, forced wins. A cell that no part reaches is excluded.

    :param parts: row numbers, and the table of those rows.
    """
    parts = list(parts)
    jobs = graph.sort({job for _, table in parts for job in table.jobs})
    books = {job: CodeBook.of(child for child in graph.children[job] if child in jobs) for job in jobs}
    codes: dict[str, CodeArray] = {}
    for job in jobs:
        merged: CodeArray = np.full(size, CODE[Reason.EXCLUDED], books[job].dtype)
        order = _order(books[job])
        for rows, table in parts:
            if job in table.codes:
                new = _translation(table.books[job], books[job])[table.codes[job]]
                old = merged[rows]
                merged[rows] = np.where(order[new] > order[old], new, old)
        codes[job] = merged
    return CellTable(codes=codes, books=books)


def _translation(old: CodeBook, new: CodeBook) -> CodeArray:
    """Return old code -> new code, the bit of traced cells taken along."""
    numbers = {pair: code for code, pair in enumerate(new.names)}
    table: CodeArray = np.zeros(2 * old.ping_bit, new.dtype)
    for code, pair in enumerate(old.names):
        table[code] = numbers[pair]
        table[code | old.ping_bit] = numbers[pair] | new.ping_bit
    return table


def _order(book: CodeBook) -> NDArray[np.int8]:
    """Return, per code, how it stands against others: real work over traced, forced over not."""
    order = np.zeros(2 * book.ping_bit, np.int8)
    for code, (action, reason) in enumerate(book.names):
        rank = 4 * _RANK[Action(action)] + (reason == Reason.FORCED) + (reason == Reason.PRESENT)
        order[code] = 2 * rank + 1
        order[code | book.ping_bit] = 2 * rank
    return order
