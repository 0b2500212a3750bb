"""``airflow media clean``."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow_media_provider.cli.command import (
    ALL_DONE,
    SOME_LEFT,
    command,
    open_graph,
    open_stores,
    registry_of,
)
from airflow_media_provider.cli.output import is_object, print_object, print_rows
from airflow_media_provider.cli.plan import warn_rejected
from airflow_media_provider.cli.request import read_request, split_names
from airflow_media_provider.errors import EmptySelection, PlanError, RegistryError

if TYPE_CHECKING:
    from airflow_media_provider.registry.model import JobGraph
    from airflow_media_provider.runs.clean import Deleted, OldArtifacts, OldRun
    from airflow_media_provider.storage import Stores

DAY_S = 86400.0


@command
def clean(args: Namespace) -> int:
    """Show artifacts of old fingerprints, or old runs, and remove them when told to."""
    graph = open_graph(args)
    stores = open_stores(graph.root)
    before = None if args.older_than_days is None else time.time() - args.older_than_days * DAY_S
    return _clean_runs(args, graph, stores, before) if args.runs else _clean(args, graph, stores, before)


def _clean(args: Namespace, graph: JobGraph, stores: Stores, before: float | None) -> int:
    from airflow_media_provider.runs.clean import find_old, old_layouts
    from airflow_media_provider.runs.plan import select_items

    named = graph.sort(graph.job(name).name for name in split_names(args.job))
    layouts, refused = old_layouts(graph, named or graph.order)
    if named and refused:
        raise PlanError("; ".join(f"job {job!r} cannot be cleaned: {why}" for job, why in refused.items()))
    args.target = None
    try:
        selection = select_items(graph, read_request(args), stores)
    except EmptySelection as error:
        if not args.prefix:
            raise
        raise EmptySelection(
            f"{error}. A prefix finds items by their source files; name those whose files are gone with "
            "--items or --items-uri"
        ) from error
    warn_rejected(selection.rejected)
    for job, why in refused.items():
        print(f"not cleaned: job {job!r}: {why}", file=sys.stderr)
    beside = list(_beside(args))
    found = find_old(graph, layouts, selection.items, stores, before=before, beside=beside)
    for old in found:
        if old.behind_links:
            print(
                f"left alone: {old.behind_links} under {old.prefix}, for a link leads there", file=sys.stderr
            )
    rows = [
        {"job": old.job, "fingerprint": old.fingerprint, "artifacts": old.count, "bytes": old.bytes}
        for old in found
        if old.count
    ]
    head: dict[str, Any] = {"selected": len(selection.items), "refused": refused}
    return _finish(args, head, "old", rows, found, stores)


def _beside(args: Namespace) -> Iterator[JobGraph]:
    """Yield the registry with its other overlays: what is old for one may be current for the next."""
    from airflow_media_provider.registry.load import load_registry, overlay_names
    from airflow_media_provider.runs.clean import kept_addresses

    registry = registry_of(args)
    for overlay in (None, *overlay_names(registry)):
        if overlay == args.overlay:
            continue
        try:
            graph = load_registry(registry, overlay=overlay)
            kept_addresses(graph)
        except RegistryError as error:
            name = "the registry without an overlay" if overlay is None else f"overlay {overlay!r}"
            print(f"{name} cannot be read, so what it uses is not spared: {error.faults[0]}", file=sys.stderr)
        else:
            yield graph


def _clean_runs(args: Namespace, graph: JobGraph, stores: Stores, before: float | None) -> int:
    from airflow_media_provider.runs.clean import find_old_runs

    if before is None:
        raise PlanError("--runs needs --older-than-days: how old the runs are that may go")
    given = [
        name
        for name in ("items", "items_uri", "prefix", "items_query", "job", "limit")
        if getattr(args, name)
    ]
    if given:
        raise PlanError(f"--runs is about whole runs; leave out --{given[0].replace('_', '-')}")
    found = find_old_runs(graph.root, stores, before=before)
    rows = [{"run": old.run, "files": len(old.uris), "bytes": old.bytes} for old in found]
    return _finish(args, {}, "runs", rows, found, stores)


def _finish(
    args: Namespace,
    head: dict[str, Any],
    name: str,
    rows: list[dict[str, Any]],
    found: list[OldArtifacts] | list[OldRun],
    stores: Stores,
) -> int:
    """Say what was found; with ``--yes`` remove it."""
    from airflow_media_provider.runs.clean import delete_found

    deleted = delete_found(found, stores) if args.yes else None
    count = sum(row.get("artifacts", row.get("files", 0)) for row in rows)
    if is_object(args.output):
        done = {"removed": 0, "failed": 0} if deleted is None else _counts(deleted)
        print_object({"dry_run": deleted is None, **head, name: rows, **done}, args.output)
    else:
        print_rows(rows, args.output)
    if deleted is None:
        print(f"{count} objects would go; nothing was removed, --yes removes them", file=sys.stderr)
        return ALL_DONE
    for line in deleted.errors:
        print(f"not removed: {line}", file=sys.stderr)
    if deleted.stopped:
        print("stopped: storage refused everything; what is left was not tried", file=sys.stderr)
    print(f"{deleted.count} objects removed, {deleted.failed} could not be", file=sys.stderr)
    return SOME_LEFT if deleted.failed else ALL_DONE


def _counts(deleted: Deleted) -> dict[str, Any]:
    return {"removed": deleted.count, "failed": deleted.failed, "stopped": deleted.stopped}
