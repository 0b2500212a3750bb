"""A worker's storage on servers: create-only, whole or not at all, and honest about what is there."""

from __future__ import annotations

import importlib
import sys
import threading
import time
import uuid
from collections.abc import Iterator

import pytest

from beam_jobs.storage import gcs, remote
from beam_jobs.storage.remote import RemoteStore
from beam_jobs.storage.store import Scratch, store_for
from tests.peers.azure import azure_server, find_azurite, make_container
from tests.peers.cloud import Cloud
from tests.peers.refusing import refusing_storage
from tests.peers.s3 import make_bucket, s3_env, s3_server


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if find_azurite() is None:
        pytest.skip("no Azure server: npm install -g azurite, or name its azurite-blob in AZURITE_BLOB")
    with azure_server(tmp_path_factory.mktemp("azure")) as connection:
        yield connection


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3")) as url:
        yield url


@pytest.fixture(params=["s3", "abfs", "gs"])
def base(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    bucket = f"worker-{uuid.uuid4().hex}"
    if request.param == "s3":
        server = request.getfixturevalue("server")
        for name, value in s3_env(server).items():
            monkeypatch.setenv(name, value)
        make_bucket(server, bucket)
    elif request.param == "gs":
        cloud: Cloud = request.getfixturevalue("cloud")
        for name, value in cloud.env.items():
            monkeypatch.setenv(name, value)
        cloud.storage().create_bucket(bucket)
    else:
        connection = request.getfixturevalue("azure")
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", connection)
        make_container(connection, bucket)
    remote.filesystem.cache_clear()
    gcs._client.cache_clear()
    yield f"{request.param}://{bucket}/"
    remote.filesystem.cache_clear()
    gcs._client.cache_clear()


def publish(uri: str, content: bytes, *, replace: bool = False) -> bool:
    store = store_for(uri)
    with store.draft(uri, ".bin") as draft:
        draft.write_bytes(content)
        return store.publish(draft, uri, replace=replace)


def fetch(uri: str) -> tuple[bytes, str]:
    with Scratch() as scratch:
        path = store_for(uri).fetch(uri, scratch)
        return path.read_bytes(), path.suffix


def test_a_published_artifact_is_found_and_fetched_with_its_suffix(base):
    before = time.time() - 5
    assert publish(base + "a/Jóga #1?x=%2F.ogg", b"song")
    found = store_for(base).look(base + "a/Jóga #1?x=%2F.ogg")
    assert found is not None
    assert found.size == 4
    assert before < found.updated < time.time() + 5
    assert fetch(base + "a/Jóga #1?x=%2F.ogg") == (b"song", ".ogg")


def test_nothing_is_found_where_nothing_is_and_a_folder_is_nothing(base):
    publish(base + "a/b", b"x")
    assert store_for(base).look(base + "no/such") is None
    assert store_for(base).look(base + "a") is None


def test_an_artifact_that_exists_is_kept_unless_it_is_to_be_replaced(base):
    assert publish(base + "a", b"first")
    assert not publish(base + "a", b"second")
    assert fetch(base + "a")[0] == b"first"
    assert publish(base + "a", b"third", replace=True)
    assert fetch(base + "a")[0] == b"third"


def test_what_is_removed_is_gone_and_what_is_not_there_is_no_error(base):
    publish(base + "a/Jóga #1", b"x")
    for _ in range(2):
        store_for(base).remove(base + "a/Jóga #1")
        assert store_for(base).look(base + "a/Jóga #1") is None


def test_one_of_many_who_publish_the_same_artifact_wins(base):
    start = threading.Barrier(8)
    won: list[int] = []

    def race(number: int) -> None:
        start.wait()
        if publish(base + "prize", str(number).encode()):
            won.append(number)

    threads = [threading.Thread(daemon=True, target=race, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert fetch(base + "prize")[0] == str(won[0]).encode()


def test_a_missing_object_or_bucket_is_an_os_error_that_names_it(base):
    with Scratch() as scratch, pytest.raises(FileNotFoundError):
        store_for(base).fetch(base + "no/such", scratch)
    with pytest.raises(OSError, match="no-such-bucket"):
        publish(f"{remote.scheme_of(base)}://no-such-bucket/a", b"x")


def test_a_server_that_does_not_answer_is_an_os_error(monkeypatch):
    for name, value in s3_env("http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    remote.filesystem.cache_clear()
    monkeypatch.setattr(remote.filesystem("s3"), "retries", 1)
    with pytest.raises(OSError, match=r"127\.0\.0\.1:9"):
        store_for("s3://bucket/a").look("s3://bucket/a")
    remote.filesystem.cache_clear()


def test_a_scheme_whose_package_is_missing_says_which_to_install(monkeypatch):
    remote.filesystem.cache_clear()
    monkeypatch.setitem(sys.modules, "adlfs", None)
    registry = importlib.import_module("fsspec.registry")
    monkeypatch.delitem(registry._registry, "abfs", raising=False)
    with pytest.raises(OSError, match=r"install adlfs, or airflow-media-provider\[azure\]"):
        RemoteStore().look("abfs://container/a")
    remote.filesystem.cache_clear()


@pytest.mark.parametrize(("answer", "error"), [(403, PermissionError), (400, OSError)])
def test_what_a_bucket_refuses_is_an_os_error_that_names_the_object(cloud, monkeypatch, answer, error):
    with refusing_storage(cloud.gcs_url, lambda method, path: answer) as url:
        for name, value in {**cloud.env, "STORAGE_EMULATOR_HOST": url}.items():
            monkeypatch.setenv(name, value)
        gcs._client.cache_clear()
        with pytest.raises(error, match="gs://bucket/a"):
            publish("gs://bucket/a", b"x")
        with pytest.raises(error, match="gs://bucket/a"):
            store_for("gs://bucket/a").look("gs://bucket/a")
    gcs._client.cache_clear()


def test_an_upload_is_tried_again_when_the_bucket_is_busy(cloud, monkeypatch):
    bucket = f"busy-{uuid.uuid4().hex[:12]}"
    cloud.storage().create_bucket(bucket)
    uploads: list[str] = []

    def busy(method: str, path: str) -> int:
        if path.startswith("/upload/"):
            uploads.append(path)
            return 503 if len(uploads) <= 2 else 0
        return 0

    with refusing_storage(cloud.gcs_url, busy) as url:
        for name, value in {**cloud.env, "STORAGE_EMULATOR_HOST": url}.items():
            monkeypatch.setenv(name, value)
        gcs._client.cache_clear()
        assert publish(f"gs://{bucket}/a", b"song")
        assert len(uploads) == 3
        assert fetch(f"gs://{bucket}/a")[0] == b"song"
    gcs._client.cache_clear()
