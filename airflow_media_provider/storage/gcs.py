"""Google Cloud Storage, under ``gs://bucket/key``."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from airflow_media_provider.errors import BucketNotFound, ObjectNotFound, StorageError
from airflow_media_provider.storage.store import Content, ObjectInfo, in_batches, is_temporary, within

NAMES = "items(name),nextPageToken"
FACTS = "items(name,size,updated),nextPageToken"
FOLDERS = "prefixes,nextPageToken"
PAGE = 1000
"""The most that the service gives at a time."""

CONNECTIONS = 64
"""More than the threads that share a client: several listings of eight parts, removals by ten."""

NO_OBJECT = "No such object"
"""What the service says when there is the bucket; an emulator need not."""

WRITTEN_BY = "media-written-by"
"""Metadata of an object that was created: which call has written it."""


class GcsStore:
    """An :class:`ObjectStore` on buckets.

    :param client: a ``google.cloud.storage.Client``; None makes one from the environment, anonymous when
        that names an emulator.
    """

    parallel = 8

    def __init__(self, client: Any = None) -> None:
        self._client = _default_client() if client is None else client
        _widen(self._client)

    def list_uris(self, prefix: str, *, start: str = "", end: str = "") -> Iterator[list[str]]:
        """Yield the URIs that begin with ``prefix``."""
        yield from in_batches(uri for uri, _ in self._blobs(prefix, start, end, NAMES))

    def list_objects(self, prefix: str, *, start: str = "", end: str = "") -> Iterator[list[ObjectInfo]]:
        """Yield the same with size and time."""
        blobs = self._blobs(prefix, start, end, FACTS)
        yield from in_batches(
            ObjectInfo(
                uri=uri,
                size=int(blob.get("size", 0)),
                updated=datetime.fromisoformat(blob["updated"]).timestamp(),
            )
            for uri, blob in blobs
        )

    def list_folders(self, prefix: str) -> Iterator[str]:
        """Yield the folders that begin with ``prefix``."""
        bucket, key = _split(prefix, whole=False)
        with _errors(prefix):
            listing = self._client.list_blobs(
                bucket, prefix=key, delimiter="/", page_size=PAGE, fields=FOLDERS
            )
            for page in listing.pages:
                for folder in page.prefixes:
                    yield f"gs://{bucket}/{folder}"

    def exists(self, uri: str) -> bool:
        """Tell whether there is an object."""
        with _errors(uri):
            return bool(self._blob(uri).exists())

    def read(self, uri: str) -> bytes:
        """Return the object's bytes; raises ObjectNotFound."""
        with _errors(uri, self._has_bucket):
            return bytes(self._blob(uri).download_as_bytes())

    def open(self, uri: str) -> BinaryIO:
        """Open the object for reading in parts; raises ObjectNotFound."""
        with _errors(uri, self._has_bucket):
            blob = self._blob(uri)
            blob.reload()
            return cast(BinaryIO, io.BufferedReader(blob.open("rb")))

    def write(self, uri: str, data: Content) -> None:
        """Put or replace an object; the service shows it when it is whole."""
        with _errors(uri):
            _upload(self._blob(uri), data)

    def create(self, uri: str, data: Content) -> bool:
        """Put an object there when there is none: the service lets one of many racers win.

        When the service's reply is lost, the client tries again and hears that there is an object: its own.
        So a refusal is believed only when the object has not been written by this call.
        """
        from google.api_core.exceptions import PreconditionFailed

        blob, writer = self._blob(uri), uuid.uuid4().hex
        blob.metadata = {WRITTEN_BY: writer}
        with _errors(uri):
            try:
                _upload(blob, data, if_generation_match=0)
            except PreconditionFailed:
                found = blob.bucket.get_blob(blob.name)
                return found is not None and (found.metadata or {}).get(WRITTEN_BY) == writer
        return True

    def delete(self, uri: str) -> None:
        """Remove the object when it is there."""
        from google.api_core.exceptions import NotFound

        with _errors(uri):
            try:
                self._blob(uri).delete()
            except NotFound:
                return

    def _blobs(
        self, prefix: str, start: str, end: str, fields: str
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield URIs and what the service says of them; the client's objects for each would take long."""
        bucket, key = _split(prefix, whole=False)
        home = f"gs://{bucket}/"
        bounds = {}
        if start > prefix:
            bounds["start_offset"] = start.removeprefix(home)
        if end:
            # The service leaves its end out; no key has this character after the last one that is wanted.
            bounds["end_offset"] = f"{end.removeprefix(home)}\0"
        with _errors(prefix):
            listing = self._client.list_blobs(bucket, prefix=key, page_size=PAGE, fields=fields, **bounds)
            for page in listing.pages:
                for blob in page.raw_page.get("items", ()):
                    uri = home + blob["name"]
                    if not is_temporary(uri) and within(uri, start, end):
                        yield uri, blob

    def _blob(self, uri: str) -> Any:
        bucket, key = _split(uri, whole=True)
        return self._client.bucket(bucket).blob(key)

    def _has_bucket(self, uri: str) -> bool:
        """Tell whether there is the bucket of ``uri``; who may not list one is not told."""
        from google.api_core.exceptions import GoogleAPIError, NotFound

        try:
            next(self._client.list_blobs(_split(uri, whole=False)[0], max_results=1).pages, None)
        except NotFound:
            return False
        except GoogleAPIError:
            return True
        return True


def _upload(blob: Any, data: Content, **conditions: Any) -> None:
    if isinstance(data, bytes):
        blob.upload_from_string(data, content_type="application/octet-stream", **conditions)
    elif isinstance(data, Path):
        blob.upload_from_filename(str(data), **conditions)
    else:
        blob.upload_from_file(data, **conditions)


def _default_client() -> Any:
    from google.cloud import storage

    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return storage.Client.create_anonymous_client()
    return storage.Client()


def _widen(client: Any) -> None:
    """Keep a connection for each thread; the library keeps ten, and drops the others with a warning each."""
    from requests import Session
    from requests.adapters import HTTPAdapter

    session = getattr(client, "_http", None)
    if not isinstance(session, Session):
        return
    for scheme in ("https://", "http://"):
        # Another adapter than the plain one holds a client's certificate.
        if type(session.adapters.get(scheme)) is HTTPAdapter:
            session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))


def _split(uri: str, *, whole: bool) -> tuple[str, str]:
    scheme, _, rest = uri.partition("://")
    bucket, slash, key = rest.partition("/")
    if scheme != "gs" or not bucket or not slash or (whole and not key):
        raise StorageError(f"{uri}: not an object of Google Cloud Storage; write gs://bucket/key")
    return bucket, key


@contextmanager
def _errors(uri: str, has_bucket: Callable[[str], bool] | None = None) -> Iterator[None]:
    """Turn what the client says into errors that name the object.

    :param has_bucket: for what also fails when there is only no such object; None = there is no bucket then.
    """
    from google.api_core.exceptions import GoogleAPIError, NotFound
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    try:
        yield
    except NotFound as error:
        if has_bucket is not None and (NO_OBJECT in str(error) or has_bucket(uri)):
            raise ObjectNotFound(f"{uri}: there is no such object") from error
        bucket = f"gs://{_split(uri, whole=False)[0]}"
        raise BucketNotFound(
            f"{uri}: there is no bucket {bucket}; correct the name, or create it: airflow media verify "
            f"--create (where the registry names it), or gcloud storage buckets create {bucket}"
        ) from error
    except (GoogleAPIError, GoogleAuthError, RequestException) as error:
        raise StorageError(f"{uri}: {error}") from error
