"""Places of storages: there, readable, writable, once."""

from __future__ import annotations

import pytest

from airflow_media_provider.runs.verify.places import Place, places
from airflow_media_provider.runs.verify.registry import _place
from tests.peers.gcs import gcs_client
from tests.peers.refusing import refusing_storage
from tests.unit.verify.conftest import peers_of


def look(place, peers, *, create=False):
    return [(f.what.rpartition(": ")[2], f.state) for f in look_whole(place, peers, create=create)]


def look_whole(place, peers, *, create=False):
    return list(_place(place, peers, create=create, location=None))


def root(uri: str) -> Place:
    return Place(what="root", uri=uri, write=True)


WRITTEN = [("create", "ok"), ("create only once", "ok"), ("delete", "ok")]
UNREAD = ("read", "not checked")


def test_a_bucket_that_is_missing_is_told_and_made_and_then_usable(peers, cloud, name):
    place = root(f"gs://{name}/artifacts/")
    (missing,) = look_whole(place, peers)
    assert (missing.state, missing.detail) == ("missing", "there is no such bucket")
    assert missing.fix == f"airflow media verify --create, or: gcloud storage buckets create gs://{name}"
    assert look(place, peers, create=True) == [("list objects", "created"), UNREAD, *WRITTEN]
    assert look(place, peers) == [("list objects", "ok"), UNREAD, *WRITTEN]
    assert not list(cloud.storage().list_blobs(name)), "no probe is left"


def test_making_what_exists_changes_nothing(peers, cloud, name):
    bucket = cloud.storage().create_bucket(name)
    bucket.blob("a/x").upload_from_string(b"1")
    assert look(root(f"gs://{name}/"), peers, create=True) == [
        ("list objects", "ok"),
        ("read", "ok"),
        *WRITTEN,
    ]
    assert [blob.name for blob in cloud.storage().list_blobs(name)] == ["a/x"]


def test_a_source_is_never_written(peers, cloud, name):
    cloud.storage().create_bucket(name).blob("songs/x.ogg").upload_from_string(b"1")
    seen = []

    def deny(method: str, path: str) -> bool:
        seen.append(method)
        return method != "GET"

    with refusing_storage(cloud.gcs_url, deny) as url:
        place = Place(what="source", uri=f"gs://{name}/songs/", write=False)
        assert look(place, peers_of(gcs_client(url))) == [("list objects", "ok"), ("read", "ok")]
    assert set(seen) == {"GET"}


@pytest.mark.parametrize(
    ("denied", "expected"),
    [
        (lambda m, p: m == "GET" and "/o?" in p, [("list objects", "denied"), *WRITTEN]),
        (
            lambda m, p: m == "GET" and "alt=media" in p,
            [("list objects", "ok"), ("read", "denied"), *WRITTEN],
        ),
        (lambda m, p: m == "POST", [("list objects", "ok"), ("read", "ok"), ("create", "denied")]),
        (
            lambda m, p: m == "DELETE",
            [("list objects", "ok"), ("read", "ok"), *WRITTEN[:2], ("delete", "denied")],
        ),
    ],
    ids=["list", "read", "create", "delete"],
)
def test_each_permission_that_is_lacking_is_told_with_its_grant(cloud, name, denied, expected):
    cloud.storage().create_bucket(name).blob("x").upload_from_string(b"1")
    with refusing_storage(cloud.gcs_url, denied) as url:
        peers = peers_of(gcs_client(url), account=lambda: "serviceAccount:me@p.iam")
        found = look_whole(root(f"gs://{name}/"), peers)
    assert [(f.what.rpartition(": ")[2], f.state) for f in found] == expected
    (fault,) = [f for f in found if not f.usable]
    assert fault.fix == (
        f"gcloud storage buckets add-iam-policy-binding gs://{name} "
        "--member=serviceAccount:me@p.iam --role=roles/storage.objectUser"
    )


def test_a_storage_that_overwrites_what_is_to_be_made_once_is_told(cloud, name):
    cloud.storage().create_bucket(name)
    with refusing_storage(cloud.gcs_url, lambda m, p: False, without="ifGenerationMatch") as url:
        found = look_whole(root(f"gs://{name}/"), peers_of(gcs_client(url)))
    (fault,) = [f for f in found if not f.usable]
    assert (fault.what.rpartition(": ")[2], fault.state) == ("create only once", "wrong")
    assert "two runs at a time" in fault.fix


def test_a_storage_that_does_not_answer_is_told_at_once():
    (fault,) = look_whole(root("gs://bucket/"), peers_of(gcs_client("http://127.0.0.1:9")))
    assert fault.state == "unreachable"
    assert "STORAGE_EMULATOR_HOST" in fault.fix


def test_a_bucket_that_may_not_be_made_is_told(cloud, name):
    with refusing_storage(cloud.gcs_url, lambda m, p: m == "POST") as url:
        (fault,) = look_whole(root(f"gs://{name}/"), peers_of(gcs_client(url)), create=True)
    assert fault.state == "denied"
    assert fault.fix.startswith("as an owner of the project: gcloud storage buckets create")


def test_a_folder_that_is_missing_is_told_and_made_and_then_usable(nobody, tmp_path):
    place = root(f"{tmp_path}/a b/c/")
    (missing,) = look_whole(place, nobody)
    assert missing.fix == f"airflow media verify --create, or: mkdir -p '{tmp_path}/a b/c/'"
    assert look(place, nobody, create=True) == [("folder", "created"), UNREAD, *WRITTEN]
    assert look(place, nobody) == [("folder", "ok"), UNREAD, *WRITTEN]
    assert not list((tmp_path / "a b" / "c").iterdir()), "no probe is left"


def test_a_file_in_a_folder_s_place_is_told(nobody, tmp_path):
    (tmp_path / "a").touch()
    assert look(root(f"file://{tmp_path}/a/"), nobody, create=True) == [("folder", "wrong")]


def test_places_are_told_once_and_with_what_they_are_for(graph):
    options = {"temp_location": "gs://b/tmp", "staging_location": "gs://b/art/staging"}
    job = {
        "runner": {"name": "dataflow", "options": options},
        "output": "gs://other/{job}/{fingerprint}/{item}.flac",
    }
    found = places(graph("gs://b/art", "gs://songs/in/{item}.ogg", job))
    assert [(p.what, p.uri, p.write) for p in found] == [
        ("root", "gs://b/art/", True),
        ("output of downsample", "gs://other/", True),
        ("temp_location", "gs://b/tmp/", True),
        ("source", "gs://songs/in/", False),
    ]
