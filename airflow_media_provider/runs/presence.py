"""Which of many items have an object at their address: listings matched with the items in bulk."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from airflow_media_provider.runs.at_once import at_once
from airflow_media_provider.storage.store import BATCH, ObjectStore
from beam_jobs.contract.address import Address

BoolArray = NDArray[np.bool_]

FEW = 32
"""Up to so many items are looked up one by one: all between the first and the last may be the catalog."""

ITEMS_PER_RANGE = 20_000
"""Twenty pages of a listing: the last page of a part is not full, which so adds a twentieth at most."""

RANGES_PER_LISTING = 4
"""More parts than are listed at a time, so that nobody waits long for the one that holds more than others."""

CHUNK = 1 << 18
"""Listed names that are matched with the items at a time; bounds what is held of a listing."""


def find_artifacts(address: Address, items: pa.LargeStringArray, store: ObjectStore) -> BoolArray:
    """Tell which of ``items`` have an object at ``address``.

    :param items: sorted by code point.
    """
    if len(items) <= FEW:
        asked = np.fromiter((store.exists(address.of(i)) for i in items.to_pylist()), np.bool_, len(items))
        if len(items) and not asked.any():
            # To a question about an object, a bucket that is not there gives the same answer.
            next(iter(store.list_uris(address.of(items[0].as_py()))), None)
        return asked
    found = np.zeros(len(items), np.bool_)
    for listed in listed_between(address, items, store):
        names = listed.filter(pc.ends_with(listed, address.suffix))
        found |= among(items, cut(names, len(address.prefix), len(address.suffix)))
    return found


def find_old_artifacts(address: Address, items: pa.LargeStringArray, store: ObjectStore) -> BoolArray:
    """Tell which of ``items`` have an object under ``address.prefix`` with its suffix or another extension.

    Params may have changed the format, so an older artifact may end differently.
    """
    if len(items) <= FEW:
        there = (_has_old(address, item, store) for item in items.to_pylist())
        return np.fromiter(there, np.bool_, len(items))
    found = np.zeros(len(items), np.bool_)
    for names in listed_between(Address(prefix=address.prefix, suffix=LAST), items, store):
        same = pc.ends_with(names, address.suffix)
        ids = [cut(names.filter(same), len(address.prefix), len(address.suffix))]
        other = cut(names.filter(pc.invert(same)), len(address.prefix), 0)
        ids.append(pc.replace_substring_regex(other, r"\.[^./]*$", ""))
        for part in ids:
            found |= among(items, part)
    return found


LAST = "\U0010ffff"
"""Sorts after every text that continues a name."""


def bounds(address: Address, items: pa.LargeStringArray) -> tuple[str, str]:
    """Return the first and last URI that an artifact of sorted ``items`` can have.

    The artifact of ``a`` may sort after that of ``a.b``, as ``a.flac`` does after ``a.b.flac``; so the end
    is the greatest of the last item's and of all its beginnings'.
    """
    first, last = items[0].as_py(), items[-1].as_py()
    end = max(last[:length] + address.suffix for length in range(1, len(last) + 1))
    return address.prefix + first, address.prefix + end


def listed_between(
    address: Address, items: pa.LargeStringArray, store: ObjectStore
) -> Iterator[pa.LargeStringArray]:
    """Yield the names under an address between the first item's and the last's, each once, some at a time.

    They come from one listing, or from several parts of it at once.
    """
    ranges = key_ranges(address, items, most=store.parallel * RANGES_PER_LISTING if store.parallel > 1 else 1)
    size = max(CHUNK // min(len(ranges), store.parallel), BATCH)

    last = ranges[-1][1]

    def listing(start: str, end: str) -> Iterator[pa.LargeStringArray]:
        names: list[str] = []
        for uris in store.list_uris(address.prefix, start=start, end=end):
            # The key at which two parts meet is in both.
            names += uris if end == last else [uri for uri in uris if uri != end]
            if len(names) >= size:
                yield pa.array(names, pa.large_string())
                names = []
        if names:
            yield pa.array(names, pa.large_string())

    if len(ranges) == 1:
        yield from listing(*ranges[0])
    else:
        yield from at_once([partial(listing, *part) for part in ranges], workers=store.parallel)


def key_ranges(address: Address, items: pa.LargeStringArray, *, most: int) -> list[tuple[str, str]]:
    """Return the bounds of parts of a listing that hold about as many of ``items`` each.

    The items say how keys are distributed, so that nobody has to ask. The parts meet at the keys of single
    items and leave nothing out between the first and the last; where they meet, a key may be in both.
    """
    start, end = bounds(address, items)
    count = max(1, min(most, len(items) // ITEMS_PER_RANGE))
    cuts = [address.prefix + items[len(items) * n // count].as_py() for n in range(1, count)]
    return list(zip([start, *cuts], [*cuts, end], strict=True))


def cut(names: pa.LargeStringArray, head: int, tail: int) -> pa.LargeStringArray:
    """Return names without what stands before and behind."""
    return pc.utf8_slice_codeunits(names, head, -tail or None)


def among(items: pa.LargeStringArray, listed: pa.LargeStringArray) -> BoolArray:
    """Tell which of ``items`` are in ``listed``."""
    mask: BoolArray = pc.is_in(items, value_set=listed).to_numpy(zero_copy_only=False)
    return mask


def _has_old(address: Address, item: str, store: ObjectStore) -> bool:
    start = address.prefix + item
    for uris in store.list_uris(start):
        for uri in uris:
            rest = uri[len(start) :]
            if rest == address.suffix or (rest.count(".") == 1 and rest[0] == "." and "/" not in rest):
                return True
    return False
