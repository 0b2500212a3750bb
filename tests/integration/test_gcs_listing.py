"""Listings of a bucket in parts, at once: nothing lost, nothing asked per object, trouble waited out."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_media_provider.errors import StorageError
from airflow_media_provider.runs import presence
from airflow_media_provider.runs.at_once import at_once
from airflow_media_provider.storage import gcs
from airflow_media_provider.storage.gcs import GcsStore
from beam_jobs.contract.address import Address
from tests.peers.gcs import gcs_client
from tests.peers.refusing import CUT, refusing_storage

ITEMS = 6000


@pytest.fixture(scope="module")
def bucket(cloud):
    """A bucket with an artifact for every third item; among them are neighbours that sort oddly."""
    name = f"listing-{uuid.uuid4().hex[:8]}"
    client = cloud.storage()
    made = client.create_bucket(name)
    keys = [f"media/j/f/{item}.flac" for item in items()[::3]]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: made.blob(key).upload_from_string(b""), keys))
    return name


def items() -> list[str]:
    """Sorted ids in folders of very different sizes; some are the beginning of others."""
    plain = [f"{'common/' if n % 7 else 'ünï/'}song {n:05}{'.b' if n % 5 == 0 else ''}" for n in range(ITEMS)]
    return sorted({*plain, *(item.removesuffix(".b") for item in plain[::5])})


@pytest.fixture
def small_ranges(monkeypatch):
    """Parts of few items, so that a small bucket has many; pages are as small as the server lets them."""
    monkeypatch.setattr(presence, "ITEMS_PER_RANGE", 500)
    monkeypatch.setattr(gcs, "PAGE", 100)


def lists(requests: list[str]) -> list[str]:
    return [
        path
        for path in requests
        if urlsplit(path).path.endswith("/o") and "prefix" in parse_qs(urlsplit(path).query)
    ]


def found_through(url: str, bucket: str, wanted: list[str] | None = None) -> np.ndarray:
    address = Address.parse(f"gs://{bucket}/media/j/f/{{item}}.flac")
    ids = pa.array(wanted or items(), pa.large_string())
    return presence.find_artifacts(address, ids, GcsStore(gcs_client(url)))


@pytest.mark.usefixtures("small_ranges")
def test_every_artifact_is_found_by_few_requests_and_none_per_object(cloud, bucket):
    requests: list[str] = []
    with refusing_storage(cloud.gcs_url, lambda method, path: bool(requests.append(path))) as url:
        found = found_through(url, bucket)
    assert found.nonzero()[0].tolist() == list(range(0, len(items()), 3))
    others = [urlsplit(path).path for path in requests if path not in lists(requests)]
    assert set(others) <= {f"/storage/v1/b/{bucket}"}, "the client may look at the bucket, never at an object"
    assert len(others) <= 1
    ranges = len(items()) // 500
    pages = len(items()) / 3 / 100
    assert pages <= len(lists(requests)) <= pages + ranges


def test_a_listing_costs_at_most_five_in_a_hundred_requests_more_than_its_objects_fill_pages(
    cloud, bucket, monkeypatch
):
    page = 20
    monkeypatch.setattr(presence, "ITEMS_PER_RANGE", presence.ITEMS_PER_RANGE // gcs.PAGE * page)
    monkeypatch.setattr(gcs, "PAGE", page)
    made = items()[::3]
    requests: list[str] = []
    with refusing_storage(cloud.gcs_url, lambda method, path: bool(requests.append(path))) as url:
        assert found_through(url, bucket, made).all()
    assert len(made) > 5 * presence.ITEMS_PER_RANGE, "several parts"
    assert len(lists(requests)) <= 1.05 * len(made) / page
    assert not [path for path in requests if "/o/" in urlsplit(path).path], "no request per object"


LISTINGS = {
    "names": (lambda store, uri: store.list_uris(uri), "items(name),nextPageToken"),
    "names in bounds": (
        lambda store, uri: store.list_uris(uri, start=f"{uri}common/song 00001", end=f"{uri}z"),
        "items(name),nextPageToken",
    ),
    "sizes and times": (
        lambda store, uri: store.list_objects(uri), "items(name,size,updated),nextPageToken",
    ),
    "folders": (lambda store, uri: store.list_folders(uri), "prefixes,nextPageToken"),
}  # fmt: skip


@pytest.mark.parametrize("what", LISTINGS)
def test_a_listing_asks_for_full_pages_and_for_nothing_that_it_does_not_use(cloud, bucket, what):
    take, fields = LISTINGS[what]
    requests: list[str] = []
    with refusing_storage(cloud.gcs_url, lambda method, path: bool(requests.append(path))) as url:
        assert list(take(GcsStore(gcs_client(url)), f"gs://{bucket}/media/j/f/"))
    assert lists(requests)
    for path in lists(requests):
        query = parse_qs(urlsplit(path).query)
        assert (query["fields"], query["maxResults"]) == ([fields], ["1000"])


def test_an_inventory_asks_for_names_alone(cloud, bucket):
    requests: list[str] = []
    with refusing_storage(cloud.gcs_url, lambda method, path: bool(requests.append(path))) as url:
        assert found_through(url, bucket).any()
    queries = [parse_qs(urlsplit(path).query) for path in lists(requests)]
    assert {(*query["fields"], *query["maxResults"]) for query in queries} == {
        ("items(name),nextPageToken", "1000")
    }


TROUBLE = {"too many requests": 429, "unavailable": 503, "an error inside": 500, "a cut connection": CUT}


@pytest.mark.usefixtures("small_ranges")
@pytest.mark.parametrize("what", TROUBLE)
def test_a_server_in_trouble_is_asked_again(cloud, bucket, what):
    chance, refused, lock = random.Random(1), Counter(), threading.Lock()

    def trouble(method: str, path: str) -> int:
        with lock:
            if refused[path] < 2 and chance.random() < 0.3:
                refused[path] += 1
                return TROUBLE[what]
        return 0

    with refusing_storage(cloud.gcs_url, trouble) as url:
        found = found_through(url, bucket)
    assert refused.total() > 5
    assert found.nonzero()[0].tolist() == list(range(0, len(items()), 3))


@pytest.mark.usefixtures("small_ranges")
def test_a_part_that_is_refused_fails_the_whole_and_names_the_place(cloud, bucket):
    def deny(method: str, path: str) -> bool:
        return "startOffset" in path and "pageToken" in path

    with (
        refusing_storage(cloud.gcs_url, deny) as url,
        pytest.raises(StorageError, match=f"gs://{bucket}/media/j/f/"),
    ):
        found_through(url, bucket)


NAMES = st.lists(
    st.text(st.sampled_from("ab./é"), min_size=1, max_size=4), min_size=40, max_size=60, unique=True
)


@given(names=NAMES, parts=st.integers(1, 9))
def test_the_parts_of_a_listing_cover_every_key_of_every_item(names, parts):
    ids = pa.array(sorted(names), pa.large_string())
    address = Address(prefix="gs://b/", suffix=".flac")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presence, "ITEMS_PER_RANGE", 2)
        ranges = presence.key_ranges(address, ids, most=parts)
    assert len(ranges) == min(parts, len(names) // 2)
    for name in names:
        uri = f"gs://b/{name}.flac"
        assert any(start <= uri <= end for start, end in ranges), uri


def test_several_sources_give_all_they_have_and_the_first_error():
    def numbers(n: int):
        yield from range(n, 1000, 7)

    assert sorted(at_once([lambda n=n: numbers(n) for n in range(7)], workers=3)) == list(range(1000))

    def broken():
        yield 1
        raise StorageError("gone")

    with pytest.raises(StorageError, match="gone"):
        list(at_once([broken, lambda: numbers(0)], workers=2))


def test_who_stops_listening_leaves_no_thread():
    before = set(threading.enumerate())

    def endless():
        while True:
            yield 1

    source = at_once([endless, endless], workers=2)
    assert next(source) == 1
    source.close()
    assert not set(threading.enumerate()) - before
