"""Items that ask for other jobs, or in another mode, than the request does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from airflow_media_provider.catalog.override import Override, Wish
from airflow_media_provider.planning import PlanQuery
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.runs.request import PlanRequest

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Items that are planned together.

    :param rows: sorted row numbers in the selection; None = all of it.
    """

    query: PlanQuery
    rows: Rows | None = None


def plan_parts(
    graph: JobGraph, request: PlanRequest, items: pa.LargeStringArray, overrides: Mapping[str, Override]
) -> list[Part]:
    """Return the parts of a selection that ask for different things; an item can be in several.

    :raises PlanError: for a wish that makes no sense here, e.g. mode ``only`` without a target.
    """
    wishing = {item: override.wishes for item, override in overrides.items() if override.wishes}
    if not wishing:
        return [Part(query=request.query(graph))]
    by_wish: dict[Wish, list[str]] = {}
    for item, wishes in wishing.items():
        for wish in wishes:
            by_wish.setdefault(wish, []).append(item)
    parts = [
        Part(query=_query(graph, request, wish), rows=_rows(items, names))
        for wish, names in sorted(by_wish.items(), key=lambda entry: (entry[0].targets, entry[0].mode or ""))
    ]
    others = np.setdiff1d(np.arange(len(items)), _rows(items, list(wishing)), assume_unique=True)
    if len(others):
        parts.insert(0, Part(query=request.query(graph), rows=others))
    return parts


def _query(graph: JobGraph, request: PlanRequest, wish: Wish) -> PlanQuery:
    """Return the question with the wish's targets and mode, and of the forced jobs those on its line."""
    from airflow_media_provider.planning import reached_jobs

    changes = {"targets": wish.targets or request.targets, "mode": wish.mode or request.mode}
    own = request.model_copy(update={**changes, "force": ()}).query(graph)
    line = reached_jobs(graph, own)
    force = tuple(name for name in request.force if graph.job(name).name in line)
    return request.model_copy(update={**changes, "force": force}).query(graph)


def _rows(items: pa.LargeStringArray, names: list[str]) -> Rows:
    found = pc.is_in(items, value_set=pa.array(names, pa.large_string()))
    return np.flatnonzero(found.to_numpy(zero_copy_only=False))
