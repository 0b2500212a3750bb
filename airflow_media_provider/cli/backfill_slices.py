"""From a command's arguments to the slices of a backfill, and what each has to do."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from airflow_media_provider.cli.plan import warn_rejected

if TYPE_CHECKING:
    from airflow_media_provider.registry.model import JobGraph
    from airflow_media_provider.runs.backfill import Backfill, Slice
    from airflow_media_provider.runs.backfill_preview import Preview
    from airflow_media_provider.storage import Stores


def read_slices(
    args: Namespace, graph: JobGraph, stores: Stores, folder: str
) -> tuple[list[Slice], dict[str, bytes]]:
    """Return the slices in the order of their runs, and the list files of those that have one."""
    from airflow_media_provider.catalog.selection import read_selection
    from airflow_media_provider.runs.backfill import partition_slices
    from airflow_media_provider.runs.backfill_list import list_slices

    if args.partitions:
        order = args.order or "registry"
        wanted = args.partitions
        return partition_slices(graph, wanted, stores, order=order, items_uri=args.items_uri), {}
    selection = read_selection(graph, items_uri=args.items_uri, stores=stores)
    warn_rejected(selection.rejected)
    made = list(
        list_slices(
            graph, selection, stores, size=args.slice_items, order=args.order or "name", folder=folder
        )
    )
    return [part for part, _ in made], {part.key: text for part, text in made}


def looker(
    args: Namespace, backfill: Backfill, slices: list[Slice], lists: dict[str, bytes], stores: Stores
) -> Callable[[Slice], Preview]:
    """Return what counts a slice's work; shards and lists are all counted when the first one is asked for."""
    from airflow_media_provider.runs.backfill_preview import preview, preview_list, preview_shards

    leave_out = None if args.retry_failed else backfill.left_out
    partitions = backfill.graph.partitions

    @cache
    def together() -> dict[str, Preview]:
        if lists:
            return preview_list(backfill, args.items_uri, lists, stores, leave_out=leave_out)
        if partitions is not None and partitions.narrows:
            return preview_shards(backfill, slices, stores, leave_out=leave_out)
        return {}

    def look(part: Slice) -> Preview:
        return together().get(part.key) or preview(backfill, part, stores, leave_out=leave_out)

    return look


def write_list(part: Slice, lists: dict[str, bytes], stores: Stores) -> None:
    """Write the list file of a slice that has one."""
    if part.key in lists:
        uri = part.select["items_uri"]
        stores.for_uri(uri).write(uri, lists[part.key])
