"""Find a selection's artifacts of old fingerprints: listings only, nothing is changed."""

from __future__ import annotations

import bisect
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

import pyarrow as pa
import pyarrow.compute as pc

from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.runs.children import AFTER_CHILDREN
from airflow_media_provider.runs.clean.layout import OldLayout, bare, kept_addresses
from airflow_media_provider.runs.presence import CHUNK, FEW, LAST, bounds
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.store import ObjectInfo, ObjectStore
from beam_jobs.contract.address import Address, local_path


@dataclass(slots=True, kw_only=True)
class OldArtifacts:
    """What one job made of a selection under one old fingerprint.

    :param uris: of the artifacts, in parts.
    :param behind_links: how many more there are that a link leads to, outside of the root; those stay.
    """

    job: str
    fingerprint: str
    prefix: str
    uris: list[pa.LargeStringArray] = field(default_factory=list)
    bytes: int = 0
    behind_links: int = 0

    @property
    def count(self) -> int:
        """How many artifacts."""
        return sum(map(len, self.uris))

    def each(self) -> Iterator[str]:
        """Yield the URIs."""
        for part in self.uris:
            yield from part.to_pylist()


def find_old(
    graph: JobGraph,
    layouts: Iterable[OldLayout],
    items: pa.LargeStringArray,
    stores: Stores,
    *,
    before: float | None = None,
    beside: Sequence[JobGraph] = (),
) -> list[OldArtifacts]:
    """Return the old artifacts of ``items``, all of them before anything may be removed.

    :param items: sorted by code point, no doubles.
    :param before: only artifacts that were last written before this instant (epoch seconds).
    :param beside: other registries on the same root, whose current artifacts stay as well.
    :raises StorageError: when a listing fails; then nothing is known for sure.
    """
    kept = [address for each in (graph, *beside) for address in kept_addresses(each)]
    found = []
    for layout in layouts:
        store = stores.for_uri(layout.head)
        for folder in sorted(set(store.list_folders(layout.head))):
            fingerprint = layout.fingerprint_of(folder)
            if fingerprint is None:
                continue
            old = OldArtifacts(job=layout.job, fingerprint=fingerprint, prefix=layout.prefix(fingerprint))
            guard = _Guard(graph.root, [a for a in kept if _overlap(bare(a.prefix), bare(old.prefix))])
            for objects in _matching(layout, old.prefix, items, store):
                _add(old, [o for o in objects if before is None or o.updated < before], guard)
            if old.count or old.behind_links:
                found.append(old)
    return found


def _add(old: OldArtifacts, objects: list[ObjectInfo], guard: _Guard) -> None:
    loose = [o for o in objects if not guard.keeps(o.uri)]
    inside = [o for o in loose if guard.is_inside(o.uri)]
    old.behind_links += len(loose) - len(inside)
    if inside:
        old.uris.append(pa.array([o.uri for o in inside], pa.large_string()))
        old.bytes += sum(o.size for o in inside)


class _Guard:
    """Holds back what must never go.

    :param kept: addresses of what is current, or the catalog's own.
    """

    def __init__(self, root: str, kept: Sequence[Address]) -> None:
        self._kept = [Address(prefix=bare(a.prefix), suffix=a.suffix) for a in kept]
        local = local_path(root)
        self._root = None if local is None else os.path.realpath(local)
        self._folders: dict[str, bool] = {}

    def keeps(self, uri: str) -> bool:
        """Tell whether an object is the current artifact of some job, or a file of the source."""
        return any(address.item_of(bare(uri)) is not None for address in self._kept)

    def is_inside(self, uri: str) -> bool:
        """Tell whether a file truly lies under the root, and not where a link in its path leads."""
        if self._root is None:
            return True
        folder = bare(uri).rpartition("/")[0]
        if folder not in self._folders:
            self._folders[folder] = f"{os.path.realpath(folder)}/".startswith(f"{self._root.rstrip('/')}/")
        return self._folders[folder]


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _matching(
    layout: OldLayout, prefix: str, items: pa.LargeStringArray, store: ObjectStore
) -> Iterator[list[ObjectInfo]]:
    """Yield the objects under ``prefix`` that are exactly an artifact of one of ``items`` or its children."""
    for objects in _listed(layout, prefix, items, store):
        names = pa.array([o.uri for o in objects], pa.large_string())
        ids = _ids(layout, names, len(prefix))
        wanted = pc.or_(_are_in(ids, items), _are_in(_parents(layout, names, ids, len(prefix)), items))
        yield [objects[i] for i in pc.indices_nonzero(wanted).to_pylist()]


def _are_in(ids: pa.LargeStringArray, items: pa.LargeStringArray) -> pa.BooleanArray:
    return pc.is_in(ids, value_set=_between(items, pc.min(ids).as_py(), pc.max(ids).as_py()))


def _parents(
    layout: OldLayout, names: pa.LargeStringArray, ids: pa.LargeStringArray, head: int
) -> pa.LargeStringArray:
    """Return of which item each name is of a child; null where it is none's.

    An older recipe may have worked on children, and the current one not, so they are looked for in any job.
    """
    if layout.splits:  # the children's files lie beside the index, and may have ended otherwise
        ids = pc.utf8_slice_codeunits(names, head)
        found = pc.extract_regex(ids, r"(?s)^(?P<item>.+)/~[0-9]{5}(?:[^/0-9][^/]*)?$")
    else:
        found = pc.extract_regex(ids, r"(?s)^(?P<item>.+)/~[0-9]{5}$")
    return pc.struct_field(found, "item")


def _ids(layout: OldLayout, names: pa.LargeStringArray, head: int) -> pa.LargeStringArray:
    """Return the item of each name; null where it ends as no artifact does."""
    same = pc.ends_with(names, layout.suffix)
    cut = pc.utf8_slice_codeunits(names, head, -len(layout.suffix) or None)
    if not layout.any_extension:
        return pc.if_else(same, cut, pa.scalar(None, pa.large_string()))
    rest = pc.utf8_slice_codeunits(names, head)
    item = pc.struct_field(pc.extract_regex(rest, r"(?s)^(?P<item>.+)\.[^./]+$"), "item")
    return pc.if_else(same, cut, item)


def _between(items: pa.LargeStringArray, first: str | None, last: str | None) -> pa.LargeStringArray:
    """Return the items from ``first`` to ``last``: matching with all of a catalog per page would be slow."""
    if first is None or last is None:
        return items.slice(0, 0)
    places = range(len(items))
    start = bisect.bisect_left(places, first, key=lambda i: items[i].as_py())
    end = bisect.bisect_right(places, last, key=lambda i: items[i].as_py())
    return items.slice(start, end - start)


def _listed(
    layout: OldLayout, prefix: str, items: pa.LargeStringArray, store: ObjectStore
) -> Iterator[list[ObjectInfo]]:
    """Yield what may be artifacts of ``items``: one listing of them all, or for few one each."""
    if len(items) > FEW:
        either = [Address(prefix=prefix, suffix=suffix) for suffix in (_last(layout), AFTER_CHILDREN)]
        start, end = max((bounds(address, items) for address in either), key=itemgetter(1))
        yield from _blocks(store.list_objects(prefix, start=start, end=end))
        return
    seen: set[str] = set()  # an item that is named as a child is found by itself and beside its parent
    for item in items.to_pylist():
        for objects in _of_item(layout, f"{prefix}{item}", store):
            yield [o for o in objects if o.uri not in seen]
            seen.update(o.uri for o in objects)


def _of_item(layout: OldLayout, uri: str, store: ObjectStore) -> Iterator[list[ObjectInfo]]:
    """Yield what may be artifacts of one item and of its children."""
    exact = f"{uri}{layout.suffix}"
    yield from store.list_objects(exact, start=exact, end=exact)
    if layout.any_extension:
        for objects in store.list_objects(f"{uri}."):
            yield [o for o in objects if o.uri != exact and _is_extension(o.uri, len(uri))]
    yield from store.list_objects(f"{uri}/~")


def _is_extension(uri: str, head: int) -> bool:
    rest = uri[head + 1 :]
    return bool(rest) and not set("./").intersection(rest)


def _last(layout: OldLayout) -> str:
    return LAST if layout.any_extension else layout.suffix


def _blocks(batches: Iterable[list[ObjectInfo]]) -> Iterator[list[ObjectInfo]]:
    block: list[ObjectInfo] = []
    for batch in batches:
        block += batch
        if len(block) >= CHUNK:
            yield block
            block = []
    if block:
        yield block
