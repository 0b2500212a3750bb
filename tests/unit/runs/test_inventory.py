"""Listings matched with items in bulk say the same as asking for each."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_media_provider.registry import media_registry
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs import presence
from airflow_media_provider.runs.inventory import take_inventory
from airflow_media_provider.runs.presence import FEW, bounds, find_artifacts, find_old_artifacts
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.memory import MemoryStore
from beam_jobs.contract.address import Address
from tests.unit.runs.conftest import array

# Few letters make ids that begin with each other, and that hold what suffixes hold.
SEGMENT = st.text(alphabet="ab.-/\u00e9\U0001f3b5f", min_size=1, max_size=6)
ITEMS = st.sets(
    SEGMENT.filter(lambda s: not any(part in ("", ".", "..") for part in s.split("/"))), min_size=1
)


@settings(max_examples=300)
@given(
    items=ITEMS,
    there=ITEMS,
    suffix=st.sampled_from([".flac", ".json", "", "-b.f", "\U0010ffff"]),
    few=st.booleans(),
)
def test_a_listing_finds_what_asking_for_each_item_finds(items, there, suffix, few):
    address, store = Address(prefix="memory://x/", suffix=suffix), MemoryStore()
    for item in there:
        store.write(address.of(item), b"x")
    expected = [store.exists(address.of(item)) for item in sorted(items)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presence, "FEW", 1000 if few else 0)
        patch.setattr(presence, "CHUNK", 3)
        assert find_artifacts(address, array(items), store).tolist() == expected


@pytest.mark.parametrize("parallel", [1, 3])
def test_a_listing_in_parts_gives_each_name_once(monkeypatch, parallel):
    monkeypatch.setattr(presence, "ITEMS_PER_RANGE", 2)
    store, items = MemoryStore(), [f"{number:02}" for number in range(20)]
    store.parallel = parallel
    address = Address(prefix="memory://x/", suffix="")  # so that parts meet at names that are there
    for item in items:
        store.write(address.of(item), b"x")
    found = [
        name for part in presence.listed_between(address, array(items), store) for name in part.to_pylist()
    ]
    assert sorted(found) == [address.of(item) for item in items]


@given(items=ITEMS, suffix=st.sampled_from([".flac", "", "-b"]))
def test_the_bounds_of_a_listing_hold_every_artifact(items, suffix):
    address = Address(prefix="p/", suffix=suffix)
    start, end = bounds(address, array(items))
    assert all(start <= address.of(item) <= end for item in items)


@pytest.mark.parametrize("few", [0, FEW])
def test_an_old_artifact_is_one_with_the_same_or_another_extension(monkeypatch, few):
    monkeypatch.setattr(presence, "FEW", few)
    store = MemoryStore()
    for name in ("same.flac", "other.ogg", "v1.2.ogg", "longer-name.flac", "folder/in.flac"):
        store.write(f"memory://old/{name}", b"x")
    items = array(["same", "other", "v1.2", "v1", "longer", "folder", "folder/in", "gone"])
    found = find_old_artifacts(Address(prefix="memory://old/", suffix=".flac"), items, store)
    assert {item for item, there in zip(items.to_pylist(), found, strict=True) if there} == {
        "same", "other", "v1.2", "folder/in",
    }  # fmt: skip


def test_an_artifact_of_other_params_is_stale_where_there_is_no_current_one(store, stores):
    def graph_with(rate: int):
        return media_registry(
            root="memory://b/artifacts",
            source="memory://b/songs/{item}.ogg",
            jobs={"downsample": {"step": "downsample", "needs": ["source"], "params": {"sample_rate": rate}}},
        )

    old, new = (recipe(graph_with(rate), "downsample").address for rate in (8000, 16000))
    store.write(old.of("a"), b"x")
    store.write(old.of("b"), b"x")
    store.write(new.of("b"), b"x")
    found = take_inventory(graph_with(16000), ["downsample"], array("abc"), stores)
    assert found.present["downsample"].tolist() == [False, True, False]
    assert found.stale["downsample"].tolist() == [True, False, False]


def test_a_layout_without_fingerprints_has_nothing_stale(store, stores):
    jobs = {"loudness": {"step": "loudness", "needs": ["source"], "output": "{root}/custom/{item}.json"}}
    graph = media_registry(root="memory://b/artifacts", source="memory://b/songs/{item}.ogg", jobs=jobs)
    store.write("memory://b/artifacts/custom/a.json", b"x")
    found = take_inventory(graph, ["loudness"], array("ab"), stores)
    assert found.present["loudness"].tolist() == [True, False]
    assert found.stale["loudness"].tolist() == [False, False]


def test_one_listing_per_place_whatever_the_number_of_items(graph, store):
    class Counting:
        parallel = 1

        def __init__(self) -> None:
            self.asked = 0
            self.listed: list[str] = []

        def exists(self, uri: str) -> bool:
            self.asked += 1
            return store.exists(uri)

        def list_uris(self, prefix: str, **bounds: str):
            self.listed.append(prefix)
            return store.list_uris(prefix, **bounds)

        def list_folders(self, prefix: str):
            return store.list_folders(prefix)

    counting = Counting()
    items = array(f"label/{n:05d}" for n in range(5000))
    take_inventory(graph, graph.order, items, Stores({"memory": lambda: counting}))
    assert counting.asked == 0
    assert len(counting.listed) == len(set(counting.listed)) == len(graph.order) + 1


def test_only_the_part_between_the_first_and_the_last_item_is_listed(graph, stores, put):
    put("source", *(f"{n:04d}" for n in range(1000)))
    seen = []

    class Watching(MemoryStore):
        def list_uris(self, prefix: str, *, start: str = "", end: str = ""):
            for batch in stores.for_uri(prefix).list_uris(prefix, start=start, end=end):
                seen.extend(batch)
                yield batch

    items = array(f"{n:04d}" for n in range(400, 500))
    found = take_inventory(graph, (), items, Stores({"memory": Watching}))
    assert found.source.all()
    assert len(seen) == 100
