"""Google Cloud Storage: create-only through a precondition on the object's generation.

Beam's own file system cannot state preconditions, so this talks to the client that Beam has made.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from beam_jobs.storage.retry import is_transient
from beam_jobs.storage.store import Found, Scratch

TIMEOUT_S = 300

WRITTEN_BY = "media-written-by"
"""Metadata of an artifact: the draft that it was."""


class GcsStore:
    """``gs://`` URIs."""

    def look(self, uri: str) -> Found | None:
        """Return the object at ``uri``, or None."""
        bucket, name = _split(uri)
        with _as_os_error(uri):
            blob = bucket.get_blob(name, timeout=TIMEOUT_S)
        if blob is None:
            return None
        return Found(size=blob.size or 0, updated=blob.updated.timestamp() if blob.updated else 0.0)

    def fetch(self, uri: str, scratch: Scratch) -> Path:
        """Download the object into ``scratch``, under a name that keeps its suffix."""
        bucket, name = _split(uri)
        path = scratch.new_file(Path(name).suffix)
        with _as_os_error(uri):
            bucket.blob(name).download_to_filename(str(path), timeout=TIMEOUT_S)
        return path

    @contextmanager
    def draft(self, uri: str, suffix: str) -> Iterator[Path]:
        """Give a path in a local temporary folder."""
        with Scratch() as scratch:
            yield scratch.new_file(suffix)

    def publish(self, draft: Path, uri: str, *, replace: bool) -> bool:
        """Upload; an object appears when its upload is complete, never in part.

        When the service's reply is lost, whoever tries again, the client or the caller, hears that there is
        an object: this draft. So a refusal is believed only of an object that was another draft; the names
        of drafts are random.
        """
        from google.api_core.exceptions import PreconditionFailed

        bucket, name = _split(uri)
        blob = bucket.blob(name)
        blob.metadata = {WRITTEN_BY: draft.name}
        condition = None if replace else 0  # generation 0: only when no object is there
        with _as_os_error(uri):
            try:
                blob.upload_from_filename(str(draft), if_generation_match=condition, timeout=TIMEOUT_S)
            except PreconditionFailed:
                found = bucket.get_blob(name, timeout=TIMEOUT_S)
                return found is not None and (found.metadata or {}).get(WRITTEN_BY) == draft.name
        return True

    def remove(self, uri: str) -> None:
        """Delete the object."""
        bucket, name = _split(uri)
        with suppress(FileNotFoundError), _as_os_error(uri):
            bucket.blob(name).delete(timeout=TIMEOUT_S)


@contextmanager
def _as_os_error(uri: str) -> Iterator[None]:
    """Turn what the client says into an OSError that names the object, and keeps what may pass by itself."""
    from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except NotFound as error:
        raise FileNotFoundError(errno.ENOENT, "there is no such object or bucket", uri) from error
    except Forbidden as error:
        raise PermissionError(errno.EACCES, error.message, uri) from error
    except (GoogleAPIError, GoogleAuthError) as error:
        if is_transient(error) or getattr(error, "retryable", False):
            raise OSError(errno.EIO, str(error), uri) from error
        raise OSError(f"{uri}: {error}") from error


@cache
def _client() -> Any:
    from apache_beam.io.gcp.gcsio import GcsIO

    return GcsIO().client


def _split(uri: str) -> tuple[Any, str]:
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    return _client().bucket(bucket), name
