"""What exists now, for a selection: one bounded listing per place, never a question per file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from airflow_media_provider.catalog.reference import source_address
from airflow_media_provider.errors import PlanError
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.recipe import Recipe, recipe
from airflow_media_provider.runs.children import Split, find_split, have_all, old_children
from airflow_media_provider.runs.presence import find_artifacts, find_old_artifacts
from airflow_media_provider.storage import Stores
from beam_jobs.contract.address import Address

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What exists of a selection, one flag per item.

    :param source: the item's own file is there.
    :param present: job -> its artifact is there; of a job over children, one for each child of the item.
    :param stale: job -> an artifact with another fingerprint is there; only jobs that lack some artifact.
    :param children: job that splits items -> how many children it has made of the item; only where a job
        over them was looked for.
    """

    source: BoolArray
    present: Mapping[str, BoolArray]
    stale: Mapping[str, BoolArray]
    children: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)


def listed_stores(graph: JobGraph, inventory_uri: str | None, stores: Stores) -> Stores:
    """Return stores whose listings a saved inventory answers where it can; ``stores`` when there is none.

    :param inventory_uri: a report of Storage Insights, its manifest, or the folder of all reports.
    :raises StorageError: when it cannot be read.
    :raises PlanError: when it is about other buckets.
    """
    if inventory_uri is None:
        return stores
    from airflow_media_provider.storage.saved import SavedStores

    saved = SavedStores(inventory_uri, stores)
    if not (saved.covers(graph.root) or saved.covers(source_address(graph).prefix)):
        about = ", ".join(f"gs://{bucket}" for bucket in sorted(saved.buckets)) or "no bucket"
        raise PlanError(
            f"inventory {inventory_uri} is about {about}; the registry has {graph.root} and {graph.source}"
        )
    return saved


def take_inventory(
    graph: JobGraph,
    jobs: Iterable[str],
    items: pa.LargeStringArray,
    stores: Stores,
    *,
    source: bool = True,
    stale: bool = True,
) -> Inventory:
    """List what exists of ``items``.

    :param jobs: whose artifacts to look for.
    :param items: sorted by code point, no doubles.
    :param source: look for the items' own files; else all of them count as there.
    :param stale: look for artifacts of other fingerprints where the current one is absent.
    :raises StorageError: when a listing fails.
    """
    recipes = {job: recipe(graph, job) for job in jobs}
    levels = {made.level for made in recipes.values() if made.level is not None}
    splits = {name: find_split(recipe(graph, name), items, stores) for name in graph.sort(levels)}
    present = {job: _present(made, splits, items, stores) for job, made in recipes.items()}
    return Inventory(
        source=_find(source_address(graph), items, stores) if source else np.ones(len(items), np.bool_),
        present=present,
        stale={
            job: _find_old(recipes[job], items, there, stores)
            for job, there in present.items()
            if stale and not there.all()
        },
        children={name: split.counts for name, split in splits.items()},
    )


def _present(
    made: Recipe, splits: Mapping[str, Split], items: pa.LargeStringArray, stores: Stores
) -> BoolArray:
    if made.level is not None:
        store = stores.for_uri(made.address.prefix)
        return have_all(made.address, splits[made.level], items, store)
    if made.job.name in splits:
        return splits[made.job.name].index  # from the listing of the children
    return _find(made.address, items, stores)


def _find(address: Address, items: pa.LargeStringArray, stores: Stores) -> BoolArray:
    return find_artifacts(address, items, stores.for_uri(address.prefix))


def _find_old(made: Recipe, items: pa.LargeStringArray, there: BoolArray, stores: Stores) -> BoolArray:
    """Look under every other fingerprint of the job; old artifacts matter only where there is no current."""
    old = np.zeros(len(items), np.bool_)
    address, before = made.address, made.listing_prefix
    if before == address.prefix:
        return old  # the layout has no fingerprint: what is there is current
    store = stores.for_uri(before)
    absent = items.filter(pa.array(~there))
    found = np.zeros(len(absent), np.bool_)
    # "{fingerprint}/rest" -> "/rest"; the layout of another fingerprint differs in that one segment only.
    after = address.prefix[len(before) + len(made.fingerprint) :]
    ending, slash, rest = after.partition("/")
    for folder in store.list_folders(before) if slash else ():
        prefix = folder + rest
        if prefix == address.prefix or not folder.endswith(f"{ending}/"):
            continue
        if made.level is not None:
            found |= old_children(prefix, absent, store)
        else:
            found |= find_old_artifacts(Address(prefix=prefix, suffix=address.suffix), absent, store)
    old[~there] = found
    return old
