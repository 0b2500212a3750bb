"""Object stores through fsspec: ``s3://`` (s3fs) and ``abfs://`` (adlfs).

Create-only is the service's own promise where it has one: S3 by ``If-None-Match: *`` on the put (and on
the completion of a big upload), Azure by ``overwrite=False``, which is the same header. Of other file
systems fsspec asks first and writes then, so of two writers at once the later one may stay: whole, and
equal, because a step's result depends on its inputs only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from beam_jobs.storage.store import Found, Scratch

PACKAGES: Mapping[str, tuple[str, str]] = {
    "s3": ("s3fs", "s3"),
    "s3a": ("s3fs", "s3"),
    "abfs": ("adlfs", "azure"),
    "abfss": ("adlfs", "azure"),
    "az": ("adlfs", "azure"),
}
"""Scheme -> the package that serves it, and the extra that brings it."""

_TIMES = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")
_KINDS = (FileNotFoundError, IsADirectoryError, PermissionError, ConnectionError, TimeoutError, OSError)
_RACERS = 6
"""How often a put is tried again that S3 refused because another one was on its way (409)."""


class RemoteStore:
    """URIs that fsspec serves."""

    def look(self, uri: str) -> Found | None:
        """Return the object at ``uri``, or None."""
        with as_os_error(uri):
            info = facts(filesystem(scheme_of(uri)), uri)
        return None if info is None else Found(size=int(info["size"] or 0), updated=updated(info))

    def fetch(self, uri: str, scratch: Scratch) -> Path:
        """Copy the object into ``scratch``, under a name that keeps its suffix."""
        path = scratch.new_file(PurePosixPath(uri).suffix)
        with as_os_error(uri):
            filesystem(scheme_of(uri)).get_file(uri, str(path))
        return path

    @contextmanager
    def draft(self, uri: str, suffix: str) -> Iterator[Path]:
        """Give a path in a local temporary folder."""
        with Scratch() as scratch:
            yield scratch.new_file(suffix)

    def publish(self, draft: Path, uri: str, *, replace: bool) -> bool:
        """Upload; an object appears when its upload is complete, never in part."""
        with as_os_error(uri):
            return put(filesystem(scheme_of(uri)), draft, uri, replace=replace)

    def remove(self, uri: str) -> None:
        """Delete the object."""
        with suppress(FileNotFoundError), as_os_error(uri):
            filesystem(scheme_of(uri)).rm_file(uri)


def scheme_of(uri: str) -> str:
    """Return what stands before ``://``."""
    return uri.partition("://")[0]


@cache
def filesystem(scheme: str) -> Any:
    """Return fsspec's file system; settings come from the library's own environment and ``FSSPEC_*``.

    Listings are not kept: another process may write at any time.

    :raises OSError: when no package for the scheme is installed; says which to install.
    """
    import fsspec

    try:
        kind = fsspec.get_filesystem_class(scheme)
        if PACKAGES.get(scheme, ("", ""))[0] == "adlfs":
            kind = literal(kind)
        return kind(use_listings_cache=False, skip_instance_cache=True)
    except (ImportError, TypeError, ValueError) as error:  # TypeError: it wants settings that nobody gave
        if scheme in PACKAGES and isinstance(error, ImportError):
            package, extra = PACKAGES[scheme]
            hint = f"install {package}, or airflow-media-provider[{extra}]"
        else:
            hint = str(error)
        raise OSError(f"{scheme}:// cannot be used here: {hint}") from error


def literal(azure: Any) -> Any:
    """Return adlfs's class so that it takes names to the letter, not as URLs of the web."""

    class LiteralAzure(azure):  # type: ignore[misc]
        @classmethod
        def _strip_protocol(cls, path: Any) -> Any:
            if isinstance(path, list):
                return [cls._strip_protocol(one) for one in path]
            if "\\" in path:
                raise ValueError("Azure takes a backslash for a slash; give the item a name without one")
            scheme, separator, rest = path.partition("://")
            return (rest if separator and scheme in PACKAGES else path).lstrip("/")

    return LiteralAzure


def prepare_beam(uri: str) -> None:
    """Let Beam's file systems serve ``uri`` before there is a pipeline, whose options they else wait for."""
    scheme = scheme_of(uri)
    if scheme == "abfs":
        import beam_jobs.storage.beam_azure  # noqa: F401 - Beam finds it when it is loaded
    elif scheme == "s3":
        from apache_beam.io.filesystems import FileSystems
        from apache_beam.options.pipeline_options import PipelineOptions

        if FileSystems._pipeline_options is None:
            FileSystems.set_options(PipelineOptions([]))


def facts(fs: Any, uri: str) -> dict[str, Any] | None:
    """Return what fsspec knows of the object at ``uri``; None when there is none. A folder is none."""
    if uri.endswith("/"):
        return None
    try:
        info: dict[str, Any] = fs.info(uri)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return info if info.get("type") == "file" else None


def updated(info: Mapping[str, Any]) -> float:
    """Return when the object was last written, in seconds since the epoch; 0 when nobody says."""
    said = next((info[name] for name in _TIMES if info.get(name) is not None), 0.0)
    if isinstance(said, str):
        said = datetime.fromisoformat(said)
    return said.timestamp() if isinstance(said, datetime) else float(said)


def put(fs: Any, content: bytes | Path, uri: str, *, replace: bool) -> bool:
    """Upload; False when an object is there and is kept."""
    options = {} if replace else {"mode": "create"}

    def upload() -> None:
        if isinstance(content, bytes):
            fs.pipe_file(uri, content, **options)
        elif replace or _has_create(fs):
            fs.put_file(str(content), uri, **options)
        else:
            fs.pipe_file(uri, content.read_bytes(), **options)

    retrying = Retrying(
        stop=stop_after_attempt(_RACERS),
        wait=wait_exponential_jitter(initial=0.1, max=2),
        retry=retry_if_exception(_is_conflict),
        reraise=True,
    )
    try:
        retrying(upload)
    except FileExistsError:
        return False
    return True


def _has_create(fs: Any) -> bool:
    """Tell whether an upload of a file can be create-only; fsspec in general has that for bytes alone."""
    protocol = fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,)
    return bool(PACKAGES.keys() & set(protocol))


def _is_conflict(error: BaseException) -> bool:
    answers = (getattr(cause, "response", None) for cause in (error, error.__cause__))
    return any(
        isinstance(answer, dict) and answer.get("Error", {}).get("Code") == "ConditionalRequestConflict"
        for answer in answers
    )


@contextmanager
def as_os_error(uri: str) -> Iterator[None]:
    """Turn what the cloud's library says into an OSError that names the object.

    botocore and azure have trees of errors of their own; Azure's is told by its module's name, for
    neither need be installed.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None or uri in str(error):
            raise
        kind = next(kind for kind in _KINDS if isinstance(error, kind))
        if error.errno is None:
            raise kind(f"{uri}: {error}") from error
        raise kind(error.errno, error.strerror or str(error), uri) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] in ("aiobotocore", "aiohttp", "azure", "botocore"):
            raise OSError(f"{uri}: {error}") from error
        if isinstance(error, ValueError):  # adlfs: no account is named
            raise OSError(f"{uri}: {error}") from error
        raise
