"""What single items ask for, beside the request: kept as row numbers, so it costs nothing where unused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from airflow_media_provider.planning.codes import BoolArray
from airflow_media_provider.planning.query import (
    PlanQuery,
    check_forced,
    reached_jobs,
    standing_force,
    with_dependents,
)
from airflow_media_provider.registry.model import JobGraph

Rows = NDArray[np.int64]
Force = bool | frozenset[str] | Literal["all"]


class Wishes(Protocol):
    """What a list file says of one item.

    ``force``: True = the request's targets, ``"all"`` = the whole line, names = those jobs, False = none,
    None = nothing said. ``ping``: True, False, None = nothing said.
    """

    @property
    def force(self) -> Force | None: ...  # noqa: D102

    @property
    def ping(self) -> bool | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class ItemForce:
    """Rows whose forced jobs are not the request's.

    :param groups: sorted row numbers, and all jobs that are done again for them; no row is in two groups.
    """

    groups: tuple[tuple[Rows, frozenset[str]], ...]

    def apply(self, job: str, forced: BoolArray, start: int) -> None:
        """Write into ``forced``, which stands for the rows from ``start`` on."""
        for rows, jobs in self.groups:
            forced[_within(rows, start, len(forced))] = job in jobs


@dataclass(frozen=True, slots=True)
class ItemPing:
    """Rows that say themselves whether they are only traced.

    :param on: sorted row numbers.
    :param off: sorted row numbers; they win over the request and over a job's default.
    """

    on: Rows
    off: Rows

    def apply(self, ping: BoolArray, start: int) -> None:
        """Write into ``ping``, which stands for the rows from ``start`` on."""
        ping[_within(self.on, start, len(ping))] = True
        ping[_within(self.off, start, len(ping))] = False


def item_force(
    graph: JobGraph, query: PlanQuery, items: pa.LargeStringArray, overrides: Mapping[str, Wishes]
) -> ItemForce | None:
    """Return what single items force, or None when none says anything.

    False wins over the request and over a job's default; anything else is added to them.

    :raises PlanError: for a job that the query does not reach; names the item.
    """
    asked = {item: wish.force for item, wish in overrides.items() if wish.force is not None}
    if not asked:
        return None
    kinds: dict[Force, tuple[int, frozenset[str]]] = {}
    for item, force in asked.items():
        if force not in kinds:
            kinds[force] = (len(kinds), _forced_jobs(graph, query, item, force))
    rows, keys = _rows(items, list(asked))
    group = np.fromiter((kinds[force][0] for force in asked.values()), np.int64, len(asked))[keys]
    return ItemForce(tuple((rows[group == number], jobs) for number, jobs in kinds.values()))


def item_ping(
    graph: JobGraph, query: PlanQuery, items: pa.LargeStringArray, overrides: Mapping[str, Wishes]
) -> ItemPing | None:
    """Return which items say themselves whether they are traced, or None when none does."""
    asked = {item: wish.ping for item, wish in overrides.items() if wish.ping is not None}
    if not asked:
        return None
    rows, keys = _rows(items, list(asked))
    on = np.fromiter(asked.values(), np.bool_, len(asked))[keys]
    return ItemPing(on=rows[on], off=rows[~on])


def _forced_jobs(graph: JobGraph, query: PlanQuery, item: str, force: Force) -> frozenset[str]:
    if force is False:
        return frozenset()
    jobs = reached_jobs(graph, query)
    if force == "all":
        return frozenset(jobs)
    names = frozenset(query.targets) if force is True else frozenset(force)
    check_forced(graph, query, jobs, names, whose=f"item {item!r}: ")
    return with_dependents(graph, jobs, names | standing_force(graph, query, jobs))


def _rows(items: pa.LargeStringArray, keys: list[str]) -> tuple[Rows, Rows]:
    """Return the rows of ``items`` that are among ``keys``, and which key each is."""
    # The few keys are the hashed side; the items only pass by.
    found = pc.index_in(items, value_set=pa.array(keys, pa.large_string()))
    rows = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
    return rows, found.drop_null().to_numpy().astype(np.int64)


def _within(rows: Rows, start: int, length: int) -> Rows:
    first, last = np.searchsorted(rows, (start, start + length))
    return rows[first:last] - start
