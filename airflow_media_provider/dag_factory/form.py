"""The trigger form of a media DAG: Airflow's params, validated by Airflow before a run is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_media_provider.compat import Param
from airflow_media_provider.registry.partitions import MAX_KEY, Partitions

MOST_OFFERED = 100
"""Keys that the form suggests; a longer list would make every DAG heavier."""

MORE = "More: do again, trace, limit"
"""The section that is folded at first; what most runs need stands before it."""

TABLE = "Tables: query, column, filter"
"""The section for selections that come out of a table."""

NAMES = {"type": ["null", "array"], "items": {"type": "string"}}
"""A list of texts; the web form says null for one that was emptied."""


def trigger_form(
    jobs: Sequence[str],
    *,
    targets: Sequence[str] = (),
    mode: str = "bottom-up",
    force: Sequence[str] = (),
    force_all: bool = False,
    ping: bool = False,
    dry_run: bool = False,
    limit: int | None = None,
    partitions: Partitions | None = None,
) -> dict[str, Param]:
    """Return the params; a value given here is what the form shows first.

    :param jobs: names that the form offers.
    :param partitions: of the registry; without them the form does not ask for one.
    """
    names = list(jobs)
    return {
        "items": _param(
            None, "Items",
            "Item ids or URIs of source files, **one per line**. Or fill in one of the next two, or a query.",
            **NAMES,
        ),
        "items_uri": _param(
            None, "List file",
            "URI of a list: text (one per line), CSV, JSON Lines, Parquet or Avro with the column `item`. "
            "`{{ ds }}` is filled in, so that a backfill takes one list per date.",
            type=["null", "string"],
        ),
        "prefix": _param(
            None, "Prefix or glob",
            "Where item ids begin (`rock/`), or a glob (`rock/**/live-*`). `{{ ds }}` is filled in.",
            type=["null", "string"],
        ),
        "items_query": _param(
            None, "Query",
            "BigQuery query whose result has a column with the items. `{{ ds }}` is filled in.",
            section=TABLE, type=["null", "string"],
        ),
        "items_column": _param(
            None, "Column", "Column of the list or result that has the item; none = `item`.",
            section=TABLE, type=["null", "string"],
        ),
        "items_filter": _param(
            None, "Filter", 'Rows of the list to take: `country == "SE" and year >= 2020`.',
            section=TABLE, type=["null", "string"],
        ),
        **({} if partitions is None else {"partition": _partition(partitions)}),
        "targets": _param(
            list(targets) or None, "Target jobs", "None = the jobs at the end of the graph.",
            examples=names, **NAMES,
        ),
        "mode": _param(
            mode, "Mode",
            "`bottom-up`: the targets and their missing ancestors. `top-down`: the targets and all that "
            "depends on them. `only`: the targets.",
            type="string", enum=["bottom-up", "top-down", "only"],
        ),
        "force": _param(
            list(force) or None, "Force", "Do these jobs again, with what depends on them on the line.",
            section=MORE, examples=names, **NAMES,
        ),
        "force_all": _param(force_all, "Force all", "Do the whole line again.", section=MORE, type="boolean"),
        "ping": _param(ping, "Ping", "Trace the items, do no work.", section=MORE, type="boolean"),
        "dry_run": _param(dry_run, "Dry run", "Only plan.", section=MORE, type="boolean"),
        "inventory_uri": _param(
            None, "Saved inventory",
            "In place of listings: a report of Storage Insights, its manifest, or the folder of all reports "
            "(the newest). `{{ ds }}` is filled in.",
            section=MORE, type=["null", "string"],
        ),
        "limit": _param(
            limit, "Limit", "At most so many items, the first ones.",
            section=MORE, type=["null", "integer"], minimum=1,
        ),
    }  # fmt: skip


def _partition(partitions: Partitions) -> Param:
    keys = (() if partitions.dated else partitions.known_keys()) or ()
    example = "`2026-01-31` or `2026-01`" if partitions.dated else ", ".join(f"`{key}`" for key in keys[:3])
    text = f"Key of a slice of the catalog, by {partitions.by}{f': {example}' if example else ''}."
    offered: dict[str, Any] = {"examples": list(keys)} if len(keys) <= MOST_OFFERED else {}
    if not keys:
        offered = {}
    return _param(None, "Partition", text, type=["null", "string"], maxLength=MAX_KEY, **offered)


def _param(default: Any, title: str, text: str, **schema: Any) -> Param:
    return Param(default, title=title, description_md=text, **schema)
