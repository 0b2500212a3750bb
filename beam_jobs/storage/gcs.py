"""Google Cloud Storage: create-only through a precondition on the object's generation.

Beam's own file system cannot state preconditions, so this talks to the client that Beam has made.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from beam_jobs.storage.store import Found, Scratch

TIMEOUT_S = 300


class GcsStore:
    """``gs://`` URIs."""

    def look(self, uri: str) -> Found | None:
        """Return the object at ``uri``, or None."""
        bucket, name = _split(uri)
        blob = bucket.get_blob(name, timeout=TIMEOUT_S)
        if blob is None:
            return None
        return Found(size=blob.size or 0, updated=blob.updated.timestamp() if blob.updated else 0.0)

    def fetch(self, uri: str, scratch: Scratch) -> Path:
        """Download the object into ``scratch``, under a name that keeps its suffix."""
        bucket, name = _split(uri)
        path = scratch.new_file(Path(name).suffix)
        bucket.blob(name).download_to_filename(str(path), timeout=TIMEOUT_S)
        return path

    @contextmanager
    def draft(self, uri: str, suffix: str) -> Iterator[Path]:
        """Give a path in a local temporary folder."""
        with Scratch() as scratch:
            yield scratch.new_file(suffix)

    def publish(self, draft: Path, uri: str, *, replace: bool) -> bool:
        """Upload; an object appears when its upload is complete, never in part."""
        from google.api_core.exceptions import PreconditionFailed

        bucket, name = _split(uri)
        condition = None if replace else 0  # generation 0: only when no object is there
        try:
            bucket.blob(name).upload_from_filename(
                str(draft), if_generation_match=condition, timeout=TIMEOUT_S
            )
        except PreconditionFailed:
            return False
        return True


@cache
def _client() -> Any:
    from apache_beam.io.gcp.gcsio import GcsIO

    return GcsIO().client


def _split(uri: str) -> tuple[Any, str]:
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    return _client().bucket(bucket), name
