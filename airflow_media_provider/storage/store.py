"""The port: what the rest of the package may ask of any storage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

TEMP_PREFIX = ".tmp-"
"""An object whose last path segment starts so is being written; no listing shows it."""

BATCH = 10_000
"""About how many objects a listing yields at a time."""

Found = TypeVar("Found")

Content = bytes | BinaryIO | Path
"""What can be written: bytes, an open binary file, or a local file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """One object of a listing.

    :param size: bytes.
    :param updated: seconds since the epoch at which it was last written.
    """

    uri: str
    size: int
    updated: float


class ObjectStore(Protocol):
    """Objects by URI: a scheme and a literal key, never percent-decoded.

    There are no folders: a prefix is a string, and one under which nothing is lists nothing. Listings
    come in batches and in any order, and leave out temporary names. ``start`` and ``end`` are URIs
    that bound a listing by code point, both included. Failures are StorageError.

    :cvar parallel: so many listings at a time are quicker than one; 1 = they are not.
    """

    parallel: int

    def list_uris(self, prefix: str, *, start: str = "", end: str = "") -> Iterator[list[str]]:
        """Yield the URIs that begin with ``prefix``, written as ``prefix`` is."""
        ...

    def list_objects(self, prefix: str, *, start: str = "", end: str = "") -> Iterator[list[ObjectInfo]]:
        """Yield the same with size and time; dearer than names alone on some stores."""
        ...

    def list_folders(self, prefix: str) -> Iterator[str]:
        """Yield, once each, the beginnings of URIs from ``prefix`` up to the first ``/`` after it."""
        ...

    def exists(self, uri: str) -> bool:
        """Tell whether there is an object; a folder is none."""
        ...

    def read(self, uri: str) -> bytes:
        """Return the object's bytes; raises ObjectNotFound."""
        ...

    def open(self, uri: str) -> BinaryIO:
        """Open the object for reading in parts; the result can seek; raises ObjectNotFound."""
        ...

    def write(self, uri: str, data: Content) -> None:
        """Put an object there, or replace it; a reader sees the old or the new one, never a part."""
        ...

    def create(self, uri: str, data: Content) -> bool:
        """Put an object there when there is none; False when there is one. One of many racers wins."""
        ...

    def delete(self, uri: str) -> None:
        """Remove the object; one that is not there is no error."""
        ...


def in_batches(found: Iterable[Found]) -> Iterator[list[Found]]:
    """Yield what a listing found, ``BATCH`` at a time."""
    found = iter(found)
    while batch := list(islice(found, BATCH)):
        yield batch


def is_temporary(uri: str) -> bool:
    """Tell whether an object is one that is still being written."""
    return uri.startswith(TEMP_PREFIX, uri.rfind("/") + 1)


def within(uri: str, start: str, end: str) -> bool:
    """Tell whether ``uri`` lies in ``[start, end]``; an empty bound is none."""
    return uri >= start and (not end or uri <= end)
