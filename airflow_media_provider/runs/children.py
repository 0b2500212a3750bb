"""Children of items: which item a child was made of, and which children's files a listing holds.

A catalog has few items beside their children, so what is held of a listing is one number per item, or,
where single children matter, eight bytes per child.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from airflow_media_provider.registry.recipe import Recipe
from airflow_media_provider.runs import presence
from airflow_media_provider.runs.presence import BoolArray, among, cut, listed_between
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.store import ObjectStore
from beam_jobs.contract.address import Address
from beam_jobs.contract.item import MAX_CHILDREN, child_name, parent_of

Rows = NDArray[np.int64]

NAME = "/" + child_name(0)
"""What an item's id is followed by in the id of its first child."""

_PATTERN = "/~[0-9]{5}$"
_ENDING = "(/~[0-9]{5})[^/0-9][^/]*$"
_IS_CHILD = re.compile(r".+/~[0-9]{5}")
LAST_CHILD = f"/{child_name(MAX_CHILDREN - 1)}"
"""Sorts after the beginning of every child's name, but for what follows it."""

AFTER_CHILDREN = "/~:"
"""Sorts after every child's name, whatever follows it."""


def root_of(item: str) -> str:
    """Return the item of the catalog that ``item`` is or was made of."""
    return parent_of(item) if _IS_CHILD.fullmatch(item) else item


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What a job that splits items has made, per item.

    :param index: the index of the item's children is there.
    :param counts: so many files of children are there.
    :param tops: one more than the greatest number of a child that is there: artifacts of a higher number
        are of an older split.
    """

    index: BoolArray
    counts: NDArray[np.int32]
    tops: NDArray[np.int32]


def find_split(made: Recipe, items: pa.LargeStringArray, stores: Stores) -> Split:
    """Return what a job that splits items has made of ``items``, from one listing.

    :param items: sorted by code point, no doubles.
    """
    counts, tops = np.zeros(len(items), np.int32), np.zeros(len(items), np.int32)

    def count(rows: Rows, numbers: Rows) -> None:
        np.add.at(counts, rows, 1)
        np.maximum.at(tops, rows, (numbers + 1).astype(np.int32))

    return Split(index=_list_split(made, items, stores, count), counts=counts, tops=tops)


def find_keys(made: Recipe, items: pa.LargeStringArray, stores: Stores) -> tuple[BoolArray, Rows]:
    """Return which of ``items`` have an index of their children, and the children's sorted keys."""
    keys: list[Rows] = []
    index = _list_split(made, items, stores, lambda rows, numbers: keys.append(_keys(rows, numbers)))
    return index, np.unique(np.concatenate(keys)) if keys else np.zeros(0, np.int64)


def have_all(address: Address, split: Split, items: pa.LargeStringArray, store: ObjectStore) -> BoolArray:
    """Tell which of ``items`` are split and have an object at ``address`` for each of their children."""
    counts = np.zeros(len(items), np.int32)
    for rows, numbers in child_files(address, items, store):
        np.add.at(counts, rows[numbers < split.tops[rows]], 1)
    return split.index & (counts >= split.counts)


def child_keys(address: Address, items: pa.LargeStringArray, store: ObjectStore) -> Rows:
    """Return the keys of the children of ``items`` that have an object at ``address``."""
    found = [_keys(rows, numbers) for rows, numbers in child_files(address, items, store)]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def child_files(
    address: Address, items: pa.LargeStringArray, store: ObjectStore
) -> Iterator[tuple[Rows, Rows]]:
    """Yield the children of ``items`` that have an object at ``address``: rows in ``items``, and numbers."""
    for names, first, part in _listed(address.prefix, items, store, LAST_CHILD + address.suffix):
        rows, numbers = among_children(names, address, part)
        yield rows + first, numbers


def old_children(prefix: str, items: pa.LargeStringArray, store: ObjectStore) -> BoolArray:
    """Tell which of ``items`` have a child with an object under ``prefix``, whatever its suffix."""
    found = np.zeros(len(items), np.bool_)
    for names, first, part in _listed(prefix, items, store, AFTER_CHILDREN):
        ids = pc.replace_substring_regex(cut(names, len(prefix), 0), _ENDING, r"\1")
        rows, _ = _places(ids, part)
        found[rows + first] = True
    return found


def child_ids(keys: Rows, items: pa.LargeStringArray) -> pa.LargeStringArray:
    """Return the ids of children by their keys."""
    roots = items.take(pa.array(keys // MAX_CHILDREN))
    numbers = pc.utf8_lpad(pa.array(keys % MAX_CHILDREN).cast(pa.string()), 5, "0").cast(pa.large_string())
    return pc.binary_join_element_wise(roots, numbers, pa.scalar(NAME[:2], pa.large_string()))


def among_children(
    names: pa.LargeStringArray, address: Address, items: pa.LargeStringArray
) -> tuple[Rows, Rows]:
    """Return rows in ``items`` and numbers of the children whose objects at ``address`` are in ``names``."""
    ids = names.filter(pc.ends_with(names, address.suffix))
    return _places(cut(ids, len(address.prefix), len(address.suffix)), items)


def _keys(rows: Rows, numbers: Rows) -> Rows:
    return rows * MAX_CHILDREN + numbers


def _list_split(
    made: Recipe, items: pa.LargeStringArray, stores: Stores, on_children: Callable[[Rows, Rows], None]
) -> BoolArray:
    """List indices and children's files together; return which items have an index."""
    address, children = made.address, made.child_address
    assert children is not None  # noqa: S101 - only jobs that split items are asked
    store = stores.for_uri(address.prefix)
    if len(items) <= presence.FEW:
        for part in child_files(children, items, store):
            on_children(*part)
        return presence.find_artifacts(address, items, store)
    index = np.zeros(len(items), np.bool_)
    either = [address, Address(prefix=address.prefix, suffix=LAST_CHILD + children.suffix)]
    widest = max(either, key=lambda one: presence.bounds(one, items)[1])
    for names in listed_between(widest, items, store):
        ids = cut(names.filter(pc.ends_with(names, address.suffix)), len(address.prefix), len(address.suffix))
        index |= among(items, ids)
        on_children(*among_children(names, children, items))
    return index


def _listed(
    prefix: str, items: pa.LargeStringArray, store: ObjectStore, ending: str
) -> Iterator[tuple[pa.LargeStringArray, int, pa.LargeStringArray]]:
    """Yield the names of what may be objects of children of ``items``, and of which items, from which row on.

    Few items are listed one by one; what is under ``a/~`` can be a child of ``a/~`` as well as of ``a``.
    """
    if len(items) > presence.FEW:
        for names in listed_between(Address(prefix=prefix, suffix=ending), items, store):
            yield names, 0, items
        return
    for row, item in enumerate(items.to_pylist()):
        for uris in store.list_uris(f"{prefix}{item}{NAME[:2]}"):
            yield pa.array(uris, pa.large_string()), row, items.slice(row, 1)


def _places(ids: pa.LargeStringArray, items: pa.LargeStringArray) -> tuple[Rows, Rows]:
    """Return rows in ``items`` and numbers of those of ``ids`` that are children of items."""
    ids = ids.filter(pc.match_substring_regex(ids, _PATTERN))
    if not len(ids):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    roots = cut(ids, 0, len(NAME)).dictionary_encode()
    rows = _rows_of(roots.dictionary, items)[roots.indices.to_numpy()]
    numbers = pc.utf8_slice_codeunits(ids, -5).cast(pa.int64()).to_numpy()
    known = rows >= 0
    return rows[known], numbers[known]


def _rows_of(roots: pa.LargeStringArray, items: pa.LargeStringArray) -> Rows:
    """Return where in ``items`` each of ``roots`` stands, -1 = nowhere.

    Matched with the items between the first and the last of them: to match with all of a catalog for each
    part of its listing would be slow.
    """
    places = range(len(items))
    lowest, highest = pc.min(roots).as_py(), pc.max(roots).as_py()
    start = bisect.bisect_left(places, lowest, key=lambda i: items[i].as_py())
    end = bisect.bisect_right(places, highest, key=lambda i: items[i].as_py())
    found = pc.index_in(roots, value_set=items.slice(start, end - start))
    rows: Rows = pc.fill_null(found, -1 - start).to_numpy(zero_copy_only=False).astype(np.int64) + start
    return rows
