"""A list file by URI, for lists that are too long to travel with a request."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

import pyarrow as pa

from airflow_media_provider.catalog.formats import format_of
from airflow_media_provider.catalog.rows import Request, Rows
from airflow_media_provider.errors import BucketNotFound, ObjectNotFound, SelectionError, StorageError

_GZIP = b"\x1f\x8b"


def read(request: Request) -> Iterator[Rows]:
    """Yield the rows of the file, or of each file when several are named.

    A file's name says how to read it, gzip is seen by its first bytes.
    """
    named = (request.value,) if isinstance(request.value, str) else request.value
    for uri in named:
        yield from _read_one(str(uri).strip(), request)


def _read_one(uri: str, request: Request) -> Iterator[Rows]:
    try:
        with request.stores.for_uri(uri).open(uri) as file:
            yield from _read(file, uri, request)
    except BucketNotFound as error:
        raise SelectionError(f"items_uri {error}") from error
    except ObjectNotFound as error:
        raise SelectionError(f"items_uri {uri}: there is no such file") from error
    except StorageError as error:
        raise SelectionError(f"items_uri {error}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SelectionError(f"items_uri {uri}: the gzip data is damaged: {error}") from error
    except UnicodeDecodeError as error:
        raise SelectionError(f"items_uri {uri}: {error}; save the list as UTF-8") from error
    except (OSError, pa.ArrowException) as error:
        raise SelectionError(f"items_uri {uri}: cannot be read: {error}") from error


def _read(file: BinaryIO, uri: str, request: Request) -> Iterator[Rows]:
    if _head(file, len(_GZIP)) == _GZIP:
        with gzip.GzipFile(fileobj=file) as plain:
            yield from _read_plain(cast(BinaryIO, plain), uri, request)
    else:
        yield from _read_plain(file, uri, request)


def _read_plain(file: BinaryIO, uri: str, request: Request) -> Iterator[Rows]:
    read_rows = format_of(uri, _head(file, 4))
    yield from read_rows(file, uri, request.graph.jobs, request.view)


def _head(file: BinaryIO, size: int) -> bytes:
    head = file.read(size)
    file.seek(0)
    return head
