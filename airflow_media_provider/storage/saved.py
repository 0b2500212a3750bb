"""A saved inventory in place of listings: what a bucket held when the report was made.

The report is read once, into a local file that is then searched: a listing costs no request, and
memory holds one batch of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from airflow_media_provider.storage.saved_report import find_report, read_report
from airflow_media_provider.storage.store import Content, ObjectInfo, ObjectStore, is_temporary
from airflow_media_provider.storage.stores import Stores

LAST = "\U0010ffff"
"""Sorts after every text that continues a name."""

SCHEMA = pa.schema([pa.field("uri", pa.large_string())])


class Snapshot:
    """The URIs of a report, in a local file that goes with this object.

    :param uri: of the report; see :func:`find_report`.
    :param stores: where its parts are read.
    :raises StorageError: when it cannot be read as a whole.
    """

    def __init__(self, uri: str, stores: Stores) -> None:
        report = find_report(uri, stores)
        self.buckets = {report.bucket} - {""}
        self._ranges: list[tuple[str, str]] = []
        with tempfile.TemporaryDirectory(prefix="media-inventory-") as folder:
            path = Path(folder, "uris.arrow")
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
                for uris in read_report(report, stores):
                    if len(uris):
                        self._add(uris)
                        writer.write_batch(pa.record_batch([uris], schema=SCHEMA))
            # The file has no name any more, but its content stays as long as it is mapped.
            self._file = pa.ipc.open_file(pa.memory_map(str(path)))

    def covers(self, uri: str) -> bool:
        """Tell whether the report is about the bucket of ``uri``."""
        return uri.startswith("gs://") and uri.removeprefix("gs://").partition("/")[0] in self.buckets

    def find(self, prefix: str, start: str = "", end: str = "") -> Iterator[pa.LargeStringArray]:
        """Yield the URIs that begin with ``prefix``, from ``start`` to ``end``, both included."""
        low, high = max(prefix, start), min(prefix + LAST, end or LAST)
        for number, (first, last) in enumerate(self._ranges):
            if first <= high and low <= last:
                uris = self._file.get_batch(number).column(0)
                wanted = pc.starts_with(uris, prefix)
                if start:
                    wanted = pc.and_(wanted, pc.greater_equal(uris, start))
                if end:
                    wanted = pc.and_(wanted, pc.less_equal(uris, end))
                if len(found := uris.filter(wanted)):
                    yield found

    def _add(self, uris: pa.LargeStringArray) -> None:
        bounds = pc.min_max(uris)
        self._ranges.append((bounds["min"].as_py(), bounds["max"].as_py()))
        buckets = pc.list_element(pc.split_pattern(uris, "/", max_splits=3), 2)
        self.buckets |= set(pc.unique(buckets).to_pylist())


class SavedStore:
    """A store whose names come from a snapshot where it has them, and all else from the store itself.

    Times and sizes are asked for anew: who wants them wants to know what has changed.
    """

    parallel = 1

    def __init__(self, snapshot: Snapshot, store: ObjectStore) -> None:
        self._snapshot = snapshot
        self._store = store

    def list_uris(self, prefix: str, *, start: str = "", end: str = "") -> Iterator[list[str]]:
        """Yield the URIs that begin with ``prefix``."""
        if not self._snapshot.covers(prefix):
            yield from self._store.list_uris(prefix, start=start, end=end)
            return
        for found in self._snapshot.find(prefix, start, end):
            yield [uri for uri in found.to_pylist() if not is_temporary(uri)]

    def list_objects(self, prefix: str, *, start: str = "", end: str = "") -> Iterator[list[ObjectInfo]]:
        """Yield the same with size and time, as they are now."""
        return self._store.list_objects(prefix, start=start, end=end)

    def list_folders(self, prefix: str) -> Iterator[str]:
        """Yield the folders that begin with ``prefix``."""
        if not self._snapshot.covers(prefix):
            yield from self._store.list_folders(prefix)
            return
        seen: set[str] = set()
        for found in self._snapshot.find(prefix):
            rest = pc.utf8_slice_codeunits(found, len(prefix))
            deep = rest.filter(pc.match_substring(rest, "/"))
            heads = pc.list_element(pc.split_pattern(deep, "/", max_splits=1), 0)
            new = set(pc.unique(heads).to_pylist()) - seen
            seen |= new
            yield from (f"{prefix}{head}/" for head in sorted(new))

    def exists(self, uri: str) -> bool:
        """Tell whether there is an object."""
        if self._snapshot.covers(uri):
            return any(True for _ in self._snapshot.find(uri, end=uri))
        return self._store.exists(uri)

    def read(self, uri: str) -> bytes:
        """Return the object's bytes."""
        return self._store.read(uri)

    def open(self, uri: str) -> BinaryIO:
        """Open the object for reading in parts."""
        return self._store.open(uri)

    def write(self, uri: str, data: Content) -> None:
        """Put or replace an object."""
        self._store.write(uri, data)

    def create(self, uri: str, data: Content) -> bool:
        """Put an object there when there is none."""
        return self._store.create(uri, data)

    def delete(self, uri: str) -> None:
        """Remove the object when it is there."""
        self._store.delete(uri)


class SavedStores(Stores):
    """Stores that answer from a snapshot where they can.

    :param stores: what answers the rest.
    """

    def __init__(self, uri: str, stores: Stores) -> None:
        super().__init__(run_query=stores.run_query)
        self._stores = stores
        self._snapshot = Snapshot(uri, stores)
        self.buckets = frozenset(self._snapshot.buckets)

    def covers(self, uri: str) -> bool:
        """Tell whether names that begin with ``uri`` come from the snapshot."""
        return self._snapshot.covers(uri)

    def for_uri(self, uri: str) -> ObjectStore:
        """Return the store for ``uri``."""
        store = self._stores.for_uri(uri)
        return SavedStore(self._snapshot, store) if self.covers(uri) else store
