"""A request for a partition -> the items of that slice, and the keys that stand on storage."""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np
import pyarrow as pa

from airflow_media_provider.catalog.reference import source_address
from airflow_media_provider.catalog.selection import Selection
from airflow_media_provider.errors import EmptySelection, PlanError, SelectionError, StorageError
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.partitions import Partitions, check_key, key_fault
from airflow_media_provider.runs.request import SELECTORS, PlanRequest
from airflow_media_provider.storage import Stores


def partitions_of(graph: JobGraph) -> Partitions:
    """Return how the catalog is sliced; raises PlanError when the registry does not say."""
    if graph.partitions is None:
        raise PlanError(
            f"registry {graph.name!r} has no partitions; add 'partitions: {{by: hash, count: 64}}', or give "
            "items, a list file or a prefix"
        )
    return graph.partitions


def partition_keys(graph: JobGraph, stores: Stores, *, now: datetime | None = None) -> tuple[str, ...]:
    """Return every key in order: from the registry, its file of keys, or what is on storage.

    :raises SelectionError: when the keys cannot be read, or one of them cannot be a key.
    """
    return read_keys(partitions_of(graph), source_address(graph).prefix, stores, now=now)


def read_keys(
    partitions: Partitions, source: str, stores: Stores, *, now: datetime | None = None
) -> tuple[str, ...]:
    """Return every key of ``partitions``; see :func:`partition_keys`.

    :param source: what the addresses of the catalog's files begin with.
    """
    keys = partitions.known_keys(now)
    if keys is None:
        try:
            keys = _stored_keys(partitions, source, stores)
        except StorageError as error:
            raise SelectionError(f"partitions: {error}") from error
        for key in keys:
            if fault := key_fault(key):
                raise SelectionError(f"partitions: {key!r} cannot be one: {fault}")
    return keys


def resolve(graph: JobGraph, request: PlanRequest, stores: Stores) -> PlanRequest:
    """Return ``request`` with the selection of its partition, when it names one.

    :raises PlanError: when there is no such partition, or the request selects something else beside it.
    """
    if request.partition is None:
        return request
    partitions = partitions_of(graph)
    key = check_key(request.partition, partition_keys(graph, stores))
    given = [name for name in SELECTORS if getattr(request, name) is not None]
    if given and not partitions.narrows:
        raise PlanError(f"partition {key!r} says itself what is in it; leave out {', '.join(given)}")
    return request if given else request.model_copy(update=partitions.selection(key))


def narrow(selection: Selection, partitions: Partitions, key: str, *, limit: int | None) -> Selection:
    """Return what of ``selection`` is in the shard ``key``; each rejected row is in one shard too."""
    test = partitions.test(key)
    items = selection.items
    flags = np.fromiter((test(item) for item in items.to_pylist()), np.bool_, len(items))
    mine = items.filter(pa.array(flags))
    kept = mine if limit is None else mine.slice(0, limit)
    overrides = selection.overrides
    if overrides:
        there = set(kept.to_pylist())
        overrides = {item: override for item, override in overrides.items() if item in there}
    return Selection(
        items=kept,
        overrides=overrides,
        rejected=tuple(row for row in selection.rejected if test(row.value)),
        duplicates=0,  # of the whole selection, not of this shard
        left_out=len(mine) - len(kept),
    )


def empty(error: EmptySelection, request: PlanRequest) -> Selection:
    """Return a selection of nothing, which a slice may be; raises ``error`` for any other request."""
    if request.partition is None:
        raise error
    return Selection(items=pa.array([], pa.large_string()))


def _stored_keys(partitions: Partitions, source: str, stores: Stores) -> tuple[str, ...]:
    if partitions.keys_uri:
        uri = partitions.keys_uri
        lines = stores.for_uri(uri).read(uri).decode("utf-8-sig").splitlines()
        return tuple(dict.fromkeys(filter(None, (line.strip() for line in lines))))
    if partitions.by == "list":
        return _on_storage(partitions.select_uri, stores, folders=False)
    return _on_storage(source + partitions.select, stores, folders=True)


def _on_storage(template: str, stores: Stores, *, folders: bool) -> tuple[str, ...]:
    """Return what stands for ``{partition}`` in the names that are there."""
    before, _, after = template.partition("{partition}")
    if folders:
        if not after.startswith("/"):
            raise SelectionError(f"partitions: {template!r} is no folder per key; give keys or keys_uri")
        found = [uri.rstrip("/") for uri in stores.for_uri(before).list_folders(before)]
        return tuple(sorted(uri[len(before) :] for uri in found))
    fits = re.compile(rf"{re.escape(before)}([^/]+){re.escape(after)}")
    names = (uri for batch in stores.for_uri(before).list_uris(before) for uri in batch)
    return tuple(sorted(match[1] for uri in names if (match := fits.fullmatch(uri))))
