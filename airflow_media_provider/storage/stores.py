"""Which store serves a URI; the one place where a new storage is registered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from airflow_media_provider.errors import StorageError
from airflow_media_provider.storage.store import ObjectStore

StoreFactory = Callable[[], ObjectStore]


def _local() -> ObjectStore:
    from airflow_media_provider.storage.local import LocalStore

    return LocalStore()


def _memory() -> ObjectStore:
    from airflow_media_provider.storage.memory import MemoryStore

    return MemoryStore()


def _gcs() -> ObjectStore:
    from airflow_media_provider.storage.gcs import GcsStore

    return GcsStore()


FACTORIES: Mapping[str, StoreFactory] = {"file": _local, "memory": _memory, "gs": _gcs}
"""Scheme -> how its store is made. Clients are made on first use, not when this is imported."""


class Stores:
    """One store per scheme, made when first asked for.

    :param factories: scheme -> factory, beside or instead of the built-in ones; tests and
        deployments pass their own clients here.
    :param run_query: a query's text -> its result as Arrow record batches; None = nobody runs queries.
    """

    def __init__(
        self,
        factories: Mapping[str, StoreFactory] | None = None,
        *,
        run_query: Callable[[str], Iterator[Any]] | None = None,
    ) -> None:
        self.run_query = run_query
        self._factories = {**FACTORIES, **(factories or {})}
        self._made: dict[str, ObjectStore] = {}

    def for_uri(self, uri: str) -> ObjectStore:
        """Return the store for ``uri``; a plain path is local. Raises StorageError for another scheme."""
        scheme, separator, _ = uri.partition("://")
        scheme = scheme if separator else "file"
        if scheme not in self._made:
            factory = self._factories.get(scheme)
            self._made[scheme] = self._other(uri, scheme) if factory is None else factory()
        return self._made[scheme]

    def _other(self, uri: str, scheme: str) -> ObjectStore:
        """Return fsspec's store; raises StorageError for a scheme that it does not know or have."""
        from airflow_media_provider.storage import fsspec_store

        if not fsspec_store.is_known(scheme):
            known = ", ".join(f"{name}://" for name in sorted({*self._factories, "s3", "abfs"}))
            raise StorageError(
                f"{uri}: no store serves {scheme}://; use a path, one of {known}, or what else fsspec knows"
            )
        return fsspec_store.store_of(scheme)
