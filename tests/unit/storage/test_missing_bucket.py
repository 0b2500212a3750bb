"""Where there is no bucket, the error says so and how to get one."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from airflow_media_provider.catalog.selection import read_selection
from airflow_media_provider.errors import BucketNotFound, ObjectNotFound, SelectionError
from airflow_media_provider.registry import media_registry
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.fsspec_store import S3Store
from airflow_media_provider.storage.gcs import GcsStore
from tests.peers.s3 import s3_filesystem

USES = {
    "reading": lambda store, uri: store.read(uri),
    "opening": lambda store, uri: store.open(uri).read(1),
    "writing": lambda store, uri: store.write(uri, b"x"),
    "creating": lambda store, uri: store.create(uri, b"x"),
    "listing": lambda store, uri: list(store.list_uris(uri)),
    "listing folders": lambda store, uri: list(store.list_folders(uri)),
}


@pytest.fixture
def bucket() -> str:
    return f"none-{uuid.uuid4().hex[:12]}"


@pytest.mark.parametrize("use", USES)
def test_a_bucket_of_google_is_named_with_what_makes_it(gcs, bucket, use):
    uri = f"gs://{bucket}/a/b"
    with pytest.raises(BucketNotFound) as error:
        USES[use](GcsStore(gcs), uri)
    assert str(error.value) == (
        f"{uri}: there is no bucket gs://{bucket}; correct the name, or create it: airflow media verify "
        f"--create (where the registry names it), or gcloud storage buckets create gs://{bucket}"
    )


@pytest.mark.parametrize("use", USES)
def test_a_bucket_of_s3_is_named(s3, bucket, use):
    uri = f"s3://{bucket}/a/b"
    with pytest.raises(BucketNotFound) as error:
        USES[use](S3Store("s3", s3_filesystem(s3)), uri)
    assert str(error.value) == f"{uri}: there is no bucket s3://{bucket}; correct the name or create it"


@pytest.mark.parametrize("use", ["reading", "opening"])
def test_an_object_that_a_bucket_lacks_is_no_missing_bucket(gcs, bucket, use):
    gcs.create_bucket(bucket)
    with pytest.raises(ObjectNotFound, match=r"there is no such object$") as error:
        USES[use](GcsStore(gcs), f"gs://{bucket}/a/b")
    assert not isinstance(error.value, BucketNotFound)


class Saying:
    """A client of a service whose answer is this text, and which counts what else it is asked."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.listings = 0

    def bucket(self, name: str) -> Any:
        return self

    def blob(self, key: str) -> Any:
        return self

    def download_as_bytes(self) -> bytes:
        from google.api_core.exceptions import NotFound

        raise NotFound(self.text)

    def list_blobs(self, *args: Any, **options: Any) -> Any:
        self.listings += 1
        raise AssertionError("was asked for a listing")


def test_where_the_service_says_that_only_the_object_is_missing_it_is_asked_nothing_more():
    store = GcsStore(Saying("GET https://storage: No such object: bucket/a/b"))
    with pytest.raises(ObjectNotFound, match=r"there is no such object$"):
        store.read("gs://bucket/a/b")


def test_a_list_in_a_bucket_that_is_not_there_is_told_as_that(gcs, bucket):
    graph = media_registry(
        root="/root", source="/songs/{item}.ogg", jobs={"a": {"step": "loudness", "needs": ["source"]}}
    )
    stores = Stores({"gs": lambda: GcsStore(gcs)})
    with pytest.raises(
        SelectionError, match=f"^items_uri gs://{bucket}/l.txt: there is no bucket gs://{bucket};"
    ):
        read_selection(graph, items_uri=f"gs://{bucket}/l.txt", stores=stores)
