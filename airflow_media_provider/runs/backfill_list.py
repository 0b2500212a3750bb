"""A list of items, cut into slices for the runs of a backfill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_media_provider.catalog.override import Override
from airflow_media_provider.catalog.reference import source_address
from airflow_media_provider.catalog.selection import Selection
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.runs.backfill import Slice
from airflow_media_provider.runs.presence import bounds
from airflow_media_provider.storage import Stores
from beam_jobs.contract.json_lines import encode_line


def list_slices(
    graph: JobGraph, selection: Selection, stores: Stores, *, size: int, order: str, folder: str
) -> Iterator[tuple[Slice, bytes]]:
    """Yield slices of ``size`` items, and the text of each one's list file, which is not written yet.

    :param order: ``newest`` and ``oldest`` go by the time at which the source files were last changed, in
        one listing; items without a file come last. Else by id.
    :param folder: where the list files will be.
    """
    items = selection.items
    if order in ("newest", "oldest"):
        items = _by_time(graph, items, stores, newest=order == "newest")
    for number, start in enumerate(range(0, len(items), size)):
        names = items[start : start + size].to_pylist()
        text = "".join(_lines(name, selection.overrides) for name in names).encode()
        key = f"items-{number:05}-{blake2b(text, digest_size=4).hexdigest()}"
        yield Slice(key=key, select={"items_uri": f"{folder}/{key}.jsonl"}), text


def _by_time(
    graph: JobGraph, items: pa.LargeStringArray, stores: Stores, *, newest: bool
) -> pa.LargeStringArray:
    times = np.full(len(items), np.inf)
    if len(items):
        address = source_address(graph)
        start, end = bounds(address, items)
        store = stores.for_uri(address.prefix)
        for batch in store.list_objects(address.prefix, start=start, end=end):
            known = [(item, info.updated) for info in batch if (item := address.item_of(info.uri))]
            found = pc.index_in(pa.array([item for item, _ in known], pa.large_string()), value_set=items)
            for (_, updated), index in zip(known, found.to_pylist(), strict=True):
                if index is not None:
                    times[index] = -updated if newest else updated
    return items.take(pa.array(np.argsort(times, kind="stable")))


def _lines(item: str, overrides: Mapping[str, Override]) -> str:
    override = overrides.get(item, Override())
    return "".join(f"{encode_line({'item': item, **said})}\n" for said in override.as_rows())
