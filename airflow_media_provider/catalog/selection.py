"""A selection: the items that a request names, fixed and sorted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from airflow_media_provider.catalog.collect import Collector
from airflow_media_provider.catalog.override import Override
from airflow_media_provider.catalog.rows import Rejected, Request
from airflow_media_provider.catalog.sources import SOURCES
from airflow_media_provider.catalog.view import PLAIN, View
from airflow_media_provider.errors import EmptySelection, SelectionError
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.storage import Stores

WITH_COLUMNS = ("items_uri", "items_query")

__all__ = ["Override", "Rejected", "Selection", "read_selection", "select"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Items and what became of every other row that was read.

    :param items: ids, sorted by code point, each once (a LargeStringArray).
    :param overrides: what rows said for their items; of an item's several rows the last that says it.
    :param rejected: rows that cannot be an item, in the order of reading.
    :param duplicates: rows that name an item which another row names too.
    :param left_out: items beyond the limit.
    """

    items: pa.LargeStringArray
    overrides: Mapping[str, Override] = field(default_factory=dict)
    rejected: tuple[Rejected, ...] = ()
    duplicates: int = 0
    left_out: int = 0


def read_selection(
    graph: JobGraph,
    *,
    items: Sequence[str] | None = None,
    items_uri: str | Sequence[str] | None = None,
    prefix: str | None = None,
    items_query: str | None = None,
    items_column: str | None = None,
    items_filter: str | None = None,
    stores: Stores,
    limit: int | None = None,
) -> Selection:
    """Read the items that one of ``items``, ``items_uri``, ``prefix`` and ``items_query`` names.

    :param items: ids, or URIs or paths of source files; blank ones are dropped.
    :param items_uri: a list file, or several: text, CSV, JSON Lines, Parquet or Avro, gzipped or not.
    :param prefix: beginning of ids, or of URIs of source files; or a glob over them.
    :param items_query: of a warehouse; ``stores`` says who runs it.
    :param items_column: column of the list or result that has the item; None = ``item``.
    :param items_filter: rows of the list that are wanted, e.g. ``country == "SE" and year >= 2020``.
    :param limit: keep the first so many items.
    :raises SelectionError: when nothing is named, or what is named cannot be read or holds nothing.
    """
    given = {"items": items, "items_uri": items_uri, "prefix": prefix, "items_query": items_query}
    view = View.of(items_column, items_filter)
    return select(graph, given, stores=stores, view=view, limit=limit)


def select(
    graph: JobGraph,
    given: Mapping[str, Any],
    *,
    stores: Stores,
    view: View = PLAIN,
    limit: int | None = None,
) -> Selection:
    """Read the items that the one source given names; see ``SOURCES`` for the names."""
    named = {name: value for name, value in given.items() if value is not None and value != ""}
    if len(named) != 1:
        what = " and ".join(named) or "none of them"
        raise SelectionError(f"give one of {', '.join(SOURCES)}; given: {what}")
    if limit is not None and limit < 1:
        raise SelectionError(f"limit {limit}: give a number from 1, or none")
    ((name, value),) = named.items()
    if not view.is_plain and name not in WITH_COLUMNS:
        raise SelectionError(
            f"{name} has no columns; items_column and items_filter go with items_uri and items_query"
        )
    collector = Collector(graph)
    for rows in SOURCES[name](Request(graph=graph, value=value, stores=stores, view=view)):
        collector.add(rows)
    found = collector.finish()
    if not len(found.items) and not found.rejected:
        fitting = "" if view.wanted is None else f" that fits {view.wanted.text!r}"
        raise EmptySelection(f"{name} {_short(value)}: there is not one item in it{fitting}")
    keep = len(found.items) if limit is None else min(limit, len(found.items))
    items = found.items.slice(0, keep)
    overrides = found.overrides
    if overrides and keep < len(found.items):
        kept = set(items.to_pylist())
        overrides = {item: override for item, override in overrides.items() if item in kept}
    return Selection(
        items=items,
        overrides=overrides,
        rejected=found.rejected,
        duplicates=found.duplicates,
        left_out=len(found.items) - keep,
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"  # noqa: PLR2004
