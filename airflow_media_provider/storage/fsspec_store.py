"""Storages without a store of their own, through fsspec: ``s3://``, ``abfs://`` and what else is installed.

Create-only is what the service promises: see :mod:`beam_jobs.storage.remote`, which workers use as well.
S3 and Azure list page by page; of other file systems fsspec gives one whole listing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from airflow_media_provider.errors import BucketNotFound, ObjectNotFound, StorageError
from airflow_media_provider.storage.store import Content, ObjectInfo, in_batches, is_temporary, within
from beam_jobs.storage import remote

_NO_BUCKET = re.compile(r"specified (bucket|container) does not exist")


class FsspecStore:
    """An :class:`ObjectStore` on a file system of fsspec.

    :param scheme: what URIs begin with.
    :param filesystem: None makes one, from the library's own environment (``AWS_…``,
        ``AZURE_STORAGE_…``) and fsspec's (``FSSPEC_S3_…``).
    :raises StorageError: when the scheme's package is not installed; says which it is.
    """

    parallel = 1

    def __init__(self, scheme: str, filesystem: Any = None) -> None:
        self._home = f"{scheme}://"
        with _errors(self._home):
            self._fs = remote.filesystem(scheme) if filesystem is None else filesystem

    def list_uris(self, prefix: str, *, start: str = "", end: str = "") -> Iterator[list[str]]:
        """Yield the URIs that begin with ``prefix``."""
        yield from in_batches(found.uri for found in self._found(prefix, start, end))

    def list_objects(self, prefix: str, *, start: str = "", end: str = "") -> Iterator[list[ObjectInfo]]:
        """Yield the same with size and time."""
        yield from in_batches(self._found(prefix, start, end))

    def list_folders(self, prefix: str) -> Iterator[str]:
        """Yield the folders that begin with ``prefix``."""
        parent = prefix[: prefix.rindex("/") + 1]
        with _errors(prefix):
            try:
                entries = self._fs.ls(parent.rstrip("/"), detail=True)
            except FileNotFoundError:
                return
        for entry in entries:
            uri = f"{self._uri(entry['name'])}/"
            if entry["type"] == "directory" and uri.startswith(prefix) and uri != parent:
                yield uri

    def exists(self, uri: str) -> bool:
        """Tell whether there is an object."""
        with _errors(uri):
            return remote.facts(self._fs, uri) is not None

    def read(self, uri: str) -> bytes:
        """Return the object's bytes; raises ObjectNotFound."""
        with _errors(uri):
            return bytes(self._fs.cat_file(uri))

    def open(self, uri: str) -> BinaryIO:
        """Open the object for reading in parts; raises ObjectNotFound."""
        with _errors(uri):
            return cast(BinaryIO, self._fs.open(uri, "rb"))

    def write(self, uri: str, data: Content) -> None:
        """Put or replace an object; the service shows it when it is whole."""
        self._put(uri, data, replace=True)

    def create(self, uri: str, data: Content) -> bool:
        """Put an object there when there is none: the service lets one of many racers win."""
        return self._put(uri, data, replace=False)

    def delete(self, uri: str) -> None:
        """Remove the object when it is there."""
        with _errors(uri):
            try:
                self._fs.rm_file(uri)
            except FileNotFoundError:
                return

    def _put(self, uri: str, data: Content, *, replace: bool) -> bool:
        content = data if isinstance(data, bytes | Path) else data.read()
        with _errors(uri):
            return remote.put(self._fs, content, uri, replace=replace)

    def _found(self, prefix: str, start: str, end: str) -> Iterator[ObjectInfo]:
        with _errors(prefix):
            for found in self._listed(prefix, start, end):
                if not is_temporary(found.uri) and within(found.uri, start, end):
                    yield found

    def _listed(self, prefix: str, start: str, end: str) -> Iterator[ObjectInfo]:
        """Yield what begins with ``prefix``; the bounds are a hint."""
        parent = prefix[: prefix.rindex("/") + 1]
        try:
            entries = self._fs.find(parent.rstrip("/"), withdirs=False, detail=True)
        except FileNotFoundError:
            return
        for name, info in entries.items():
            uri = self._uri(name)
            if uri.startswith(prefix):
                yield ObjectInfo(uri=uri, size=int(info["size"] or 0), updated=remote.updated(info))

    def _uri(self, name: str) -> str:
        return name if name.startswith(self._home) else self._home + name

    def _split(self, uri: str) -> tuple[str, str]:
        """Return bucket or container, and key or the key's beginning."""
        bucket, slash, key = uri.removeprefix(self._home).partition("/")
        if not bucket or not slash:
            raise StorageError(f"{uri}: not an object; write {self._home}bucket/key")
        return bucket, key


class S3Store(FsspecStore):
    """Buckets of S3, or of a server that speaks as it does; listed by ``ListObjectsV2``."""

    parallel = 8

    def _listed(self, prefix: str, start: str, end: str) -> Iterator[ObjectInfo]:
        bucket, key = self._split(prefix)
        home = f"{self._home}{bucket}/"
        options = {"StartAfter": before(start.removeprefix(home))} if start > prefix else {}
        for page in self._pages(bucket, Prefix=key, **options):
            for entry in page.get("Contents", ()):
                uri = home + entry["Key"]
                if end and uri > end:
                    return
                yield ObjectInfo(uri=uri, size=entry["Size"], updated=entry["LastModified"].timestamp())

    def list_folders(self, prefix: str) -> Iterator[str]:
        """Yield the folders that begin with ``prefix``."""
        bucket, key = self._split(prefix)
        with _errors(prefix):
            for page in self._pages(bucket, Prefix=key, Delimiter="/"):
                for entry in page.get("CommonPrefixes", ()):
                    yield f"{self._home}{bucket}/{entry['Prefix']}"

    def _pages(self, bucket: str, **options: Any) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            page = self._fs.call_s3("list_objects_v2", Bucket=bucket, **options, **token)
            yield page
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}


class AzureStore(FsspecStore):
    """Containers of Azure's blob storage, as ``abfs://container/key``."""

    def _listed(self, prefix: str, start: str, end: str) -> Iterator[ObjectInfo]:
        from fsspec.asyn import sync

        container, key = self._split(prefix)
        client = self._fs.service_client.get_container_client(container)
        shared = _common(key, *(bound.removeprefix(f"{self._home}{container}/") for bound in (start, end)))
        pages = client.list_blobs(name_starts_with=shared or None).by_page()
        while (page := sync(self._fs.loop, _next_page, pages)) is not None:
            for blob in page:
                if (blob.metadata or {}).get("is_directory") != "true":
                    uri = f"{self._home}{container}/{blob.name}"
                    yield ObjectInfo(uri=uri, size=blob.size, updated=blob.last_modified.timestamp())


async def _next_page(pages: Any) -> list[Any] | None:
    try:
        page = await anext(pages)
    except StopAsyncIteration:
        return None
    return [blob async for blob in page]


def before(key: str) -> str:
    """Return a key that is less than ``key``, with hardly room for others between.

    S3 begins a listing *after* a key, and ours begin with one.
    """
    last = ord(key[-1])
    if last <= ord("!"):
        return key[:-1]
    lower = last - 1 if last != 0xE000 else 0xD7FF  # noqa: PLR2004 - no character is between the two
    return f"{key[:-1]}{chr(lower)}\U0010fffd"


def _common(prefix: str, start: str, end: str) -> str:
    """Return the longest beginning that all keys from ``start`` to ``end`` share, from ``prefix`` on."""
    if not (start.startswith(prefix) and end.startswith(prefix)):
        return prefix
    length = next((n for n, (a, b) in enumerate(zip(start, end, strict=False)) if a != b), None)
    return start[: min(len(start), len(end)) if length is None else length]


def store_of(scheme: str) -> FsspecStore:
    """Return the store for ``scheme``; raises StorageError when none can be had."""
    kinds = {"s3": S3Store, "s3a": S3Store, "abfs": AzureStore, "abfss": AzureStore, "az": AzureStore}
    return kinds.get(scheme, FsspecStore)(scheme)


def is_known(scheme: str) -> bool:
    """Tell whether fsspec knows the scheme, installed or not."""
    from fsspec import available_protocols

    return scheme in available_protocols()


@contextmanager
def _errors(uri: str) -> Iterator[None]:
    try:
        with remote.as_os_error(uri):
            yield
    except (FileNotFoundError, IsADirectoryError) as error:
        if kind := _NO_BUCKET.search(str(error)):
            home = "/".join(uri.split("/")[:3])
            raise BucketNotFound(
                f"{uri}: there is no {kind[1]} {home}; correct the name or create it"
            ) from error
        raise ObjectNotFound(f"{uri}: there is no such object or bucket") from error
    except OSError as error:
        text = str(error)
        raise StorageError(text if uri in text else f"{uri}: {text}") from error
