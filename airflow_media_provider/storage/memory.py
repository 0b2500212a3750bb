"""Objects in this process's memory: for tests, examples and benchmarks without a disk."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from airflow_media_provider.errors import ObjectNotFound
from airflow_media_provider.storage.store import Content, ObjectInfo, in_batches, is_temporary, within


class MemoryStore:
    """An :class:`ObjectStore` that lives as long as this object does."""

    parallel = 1

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, float]] = {}
        self._lock = threading.Lock()

    def list_uris(self, prefix: str, *, start: str = "", end: str = "") -> Iterator[list[str]]:
        """Yield the URIs that begin with ``prefix``."""
        yield from in_batches(
            uri
            for uri in list(self._objects)
            if uri.startswith(prefix) and within(uri, start, end) and not is_temporary(uri)
        )

    def list_objects(self, prefix: str, *, start: str = "", end: str = "") -> Iterator[list[ObjectInfo]]:
        """Yield the same with size and time."""
        for uris in self.list_uris(prefix, start=start, end=end):
            entries = ((uri, self._objects.get(uri)) for uri in uris)
            yield [ObjectInfo(uri=uri, size=len(e[0]), updated=e[1]) for uri, e in entries if e is not None]

    def list_folders(self, prefix: str) -> Iterator[str]:
        """Yield the folders that begin with ``prefix``."""
        rests = (uri[len(prefix) :] for uri in list(self._objects) if uri.startswith(prefix))
        yield from sorted({f"{prefix}{rest.partition('/')[0]}/" for rest in rests if "/" in rest})

    def exists(self, uri: str) -> bool:
        """Tell whether there is an object."""
        return uri in self._objects

    def read(self, uri: str) -> bytes:
        """Return the object's bytes; raises ObjectNotFound."""
        try:
            return self._objects[uri][0]
        except KeyError:
            raise ObjectNotFound(f"{uri}: there is no such object") from None

    def open(self, uri: str) -> BinaryIO:
        """Open the object for reading."""
        return io.BytesIO(self.read(uri))

    def write(self, uri: str, data: Content) -> None:
        """Put or replace an object."""
        self._objects[uri] = (_content(data), time.time())

    def create(self, uri: str, data: Content) -> bool:
        """Put an object there when there is none."""
        content = _content(data)
        with self._lock:
            if uri in self._objects:
                return False
            self._objects[uri] = (content, time.time())
        return True

    def delete(self, uri: str) -> None:
        """Remove the object when it is there."""
        self._objects.pop(uri, None)


def _content(data: Content) -> bytes:
    if isinstance(data, Path):
        return data.read_bytes()
    return data if isinstance(data, bytes) else data.read()
