"""What a worker needs of storage, and which store serves a URI."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, Self

from beam_jobs.contract.address import local_path
from beam_jobs.contract.ours import UNFINISHED

TEMP_PREFIX = UNFINISHED
"""Names that begin so are unfinished files; listings leave them out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object that exists.

    :param updated: when it was last written, in seconds since the epoch.
    """

    size: int
    updated: float


class Scratch:
    """A temporary folder that is made when it is first asked for, and goes with all that is in it."""

    def __init__(self) -> None:
        self._made: TemporaryDirectory[str] | None = None

    def new_file(self, suffix: str) -> Path:
        """Return a path in the folder where nothing is yet."""
        if self._made is None:
            self._made = TemporaryDirectory(prefix="media-")
        return Path(self._made.name, f"{uuid.uuid4().hex}{suffix}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._made is not None:
            self._made.cleanup()


class WorkerStore(Protocol):
    """One kind of storage, as a worker uses it. Every method raises OSError when storage refuses."""

    def look(self, uri: str) -> Found | None:
        """Return what is at ``uri``, or None when nothing is."""
        ...

    def fetch(self, uri: str, scratch: Scratch) -> Path:
        """Return a local file with the object's bytes, in ``scratch`` if a copy is needed."""
        ...

    def draft(self, uri: str, suffix: str) -> AbstractContextManager[Path]:
        """Give a path for the unfinished artifact of ``uri``; whatever is left there goes at the end."""
        ...

    def publish(self, draft: Path, uri: str, *, replace: bool) -> bool:
        """Make ``draft`` the object at ``uri`` in one instant.

        :param replace: take the place of an object that exists.
        :return: False when an object exists and is kept.
        """
        ...

    def remove(self, uri: str) -> None:
        """Remove the object at ``uri``; one that is not there is no error."""
        ...


def store_for(uri: str) -> WorkerStore:
    """Return the store that serves ``uri``."""
    if local_path(uri) is not None:
        from beam_jobs.storage.local import LocalStore

        return LocalStore()
    if uri.startswith("gs://"):
        from beam_jobs.storage.gcs import GcsStore

        return GcsStore()
    from beam_jobs.storage.remote import PACKAGES, RemoteStore, scheme_of

    if scheme_of(uri) in PACKAGES:
        return RemoteStore()
    from beam_jobs.storage.filesystems import BeamStore

    return BeamStore()


@contextmanager
def removed_after(path: Path) -> Iterator[Path]:
    """Give ``path``, and remove what is there at the end."""
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
