"""Remove many objects side by side; what fails for a moment is tried again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from airflow_media_provider.errors import StorageError
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.refusal import why_refused
from airflow_media_provider.storage.store import ObjectStore
from beam_jobs.contract.address import local_path

THREADS = 10
"""As many as clients of Google storage keep connections."""

BATCH = 1000
ATTEMPTS = 5
SHOWN = 20


@dataclass(slots=True, kw_only=True)
class Deleted:
    """How a removal went.

    :param failed: how many objects storage would not remove.
    :param errors: the first of them, each as a sentence.
    :param stopped: a whole batch failed, so the rest was not tried.
    """

    count: int = 0
    failed: int = 0
    errors: list[str] = field(default_factory=list)
    stopped: bool = False


def delete_all(uris: Iterable[str], store: ObjectStore) -> Deleted:
    """Remove every object; one that is gone already counts as removed."""
    deleted = Deleted()
    uris = iter(uris)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="clean") as pool:
        while batch := list(islice(uris, BATCH)):
            faults = list(filter(None, pool.map(lambda uri: _delete(uri, store), batch)))
            deleted.count += len(batch) - len(faults)
            deleted.failed += len(faults)
            deleted.errors += faults[: SHOWN - len(deleted.errors)]
            if len(faults) == len(batch):
                deleted.stopped = next(uris, None) is not None
                break
    return deleted


def _delete(uri: str, store: ObjectStore) -> str | None:
    """Return why ``uri`` could not be removed."""
    retrying = Retrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential_jitter(initial=0.1, max=5.0, jitter=0.1),
        reraise=True,
    )
    try:
        retrying(store.delete, uri)
    except StorageError as error:
        return str(error)
    return None


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, StorageError) and why_refused(error) not in ("denied", "missing")


class Found(Protocol):
    """What a search found under one prefix."""

    @property
    def prefix(self) -> str:
        """Begins every URI, and ends with ``/``."""
        ...

    def each(self) -> Iterator[str]:
        """Yield the URIs."""
        ...


def delete_found(found: Iterable[Found], stores: Stores) -> Deleted:
    """Remove all that searches found, and local folders that are empty then."""
    total = Deleted()
    for part in found:
        done = delete_all(part.each(), stores.for_uri(part.prefix))
        total.count += done.count
        total.failed += done.failed
        total.errors += done.errors[: SHOWN - len(total.errors)]
        if done.count:
            remove_empty_folders(part.prefix)
        if done.stopped:
            total.stopped = True
            break
    return total


def remove_empty_folders(uri: str) -> None:
    """Remove the folders at and below a local ``uri`` that hold nothing; other storages have none."""
    path = local_path(uri)
    if path is None or Path(path).is_symlink():
        return
    for folder, _, _ in os.walk(path, topdown=False):
        try:
            Path(folder).rmdir()
        except OSError:
            continue  # there is something in it, or it is not ours to remove
