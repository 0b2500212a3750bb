"""Files on this machine, under ``file:///path`` or a plain path."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from airflow_media_provider.errors import ObjectNotFound, StorageError
from airflow_media_provider.storage.local_listing import walk
from airflow_media_provider.storage.store import BATCH, TEMP_PREFIX, Content, ObjectInfo
from beam_jobs.contract.address import local_path


class LocalStore:
    """An :class:`ObjectStore` on the file system.

    A file appears at its name in one step: it is written beside it under a temporary name and then
    linked (create) or renamed (write) to it.
    """

    parallel = 1

    def list_uris(self, prefix: str, *, start: str = "", end: str = "") -> Iterator[list[str]]:
        """Yield the URIs that begin with ``prefix``; links are followed, circles of links are not."""
        scheme = "file://" if "://" in prefix else ""
        batch: list[str] = []
        with _errors(prefix):
            for names, _ in walk(_path(prefix), *_bounds(start, end)):
                batch += [scheme + name for name in names] if scheme else names
                if len(batch) >= BATCH:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def list_objects(self, prefix: str, *, start: str = "", end: str = "") -> Iterator[list[ObjectInfo]]:
        """Yield the same with size and time, at one ``stat`` per file."""
        scheme = "file://" if "://" in prefix else ""
        batch: list[ObjectInfo] = []
        with _errors(prefix):
            for names, entries in walk(_path(prefix), *_bounds(start, end)):
                for name, entry in zip(names, entries, strict=True):
                    try:
                        stat = entry.stat()
                    except FileNotFoundError:
                        continue  # gone since the folder was read
                    batch.append(ObjectInfo(uri=scheme + name, size=stat.st_size, updated=stat.st_mtime))
                if len(batch) >= BATCH:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def list_folders(self, prefix: str) -> Iterator[str]:
        """Yield the folders that begin with ``prefix``; also one that holds no file yet."""
        head, slash, name = prefix.rpartition("/")
        parent = _path(head + slash)
        with _errors(prefix):
            try:
                with os.scandir(parent or ".") as entries:
                    found = [e.name for e in entries if e.name.startswith(name) and e.is_dir()]
            except (FileNotFoundError, NotADirectoryError):
                return
        yield from (f"{head}{slash}{folder}/" for folder in sorted(found))

    def exists(self, uri: str) -> bool:
        """Tell whether there is a file."""
        return os.path.isfile(_path(uri))  # Path would drop '//' and '.'

    def read(self, uri: str) -> bytes:
        """Return the file's bytes; raises ObjectNotFound."""
        with self.open(uri) as file, _errors(uri):
            return file.read()

    def open(self, uri: str) -> BinaryIO:
        """Open the file for reading; raises ObjectNotFound."""
        with _errors(uri):
            return cast(BinaryIO, open(_path(uri), "rb"))  # the caller closes it

    def write(self, uri: str, data: Content) -> None:
        """Put or replace a file."""
        path = _path(uri)
        with _errors(uri), _temporary(path, data) as temporary:
            os.replace(temporary, path)

    def create(self, uri: str, data: Content) -> bool:
        """Put a file there when there is none."""
        path = _path(uri)
        if self.exists(uri):
            return False
        with _errors(uri), _temporary(path, data) as temporary:
            try:
                os.link(temporary, path)  # fails when the name is taken, unlike rename
            except FileExistsError:
                if not self.exists(uri):
                    raise  # a folder or a broken link has the name
                return False
        return True

    def delete(self, uri: str) -> None:
        """Remove the file when it is there."""
        with _errors(uri):
            Path(_path(uri)).unlink(missing_ok=True)


def _path(uri: str) -> str:
    path = local_path(uri)
    if path is None:
        raise StorageError(f"{uri}: not a local file; use file:///path or a path")
    if "://" in uri and not path.startswith("/"):
        raise StorageError(f"{uri}: file:// takes an absolute path; write file:///{path}")
    if "\0" in path:
        raise StorageError(f"{uri!r}: a path cannot hold a NUL character")
    return path


def _bounds(start: str, end: str) -> tuple[str, str]:
    return (_path(start) if start else "", _path(end) if end else "")


@contextmanager
def _temporary(path: str, data: Content) -> Iterator[str]:
    """Write ``data`` beside ``path`` and give its name; the name is gone afterwards whatever happens."""
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    temporary = os.path.join(folder, f"{TEMP_PREFIX}{uuid.uuid4().hex}")
    try:
        with open(temporary, "xb") as file:
            if isinstance(data, bytes):
                file.write(data)
            elif isinstance(data, Path):
                with data.open("rb") as source:
                    shutil.copyfileobj(source, file, 1 << 20)
            else:
                shutil.copyfileobj(data, file, 1 << 20)
        yield temporary
    finally:
        Path(temporary).unlink(missing_ok=True)


@contextmanager
def _errors(uri: str) -> Iterator[None]:
    """Turn what the file system says into errors that name the object."""
    try:
        yield
    except StorageError:
        raise
    except FileNotFoundError as error:
        raise ObjectNotFound(f"{uri}: there is no such file") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"{uri}: {reason}") from error
