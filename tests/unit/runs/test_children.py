"""Children of items in listings: the bulk way says the same as looking at each file."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs import presence
from airflow_media_provider.runs.children import child_ids, child_keys, find_keys, root_of
from airflow_media_provider.runs.inventory import take_inventory
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.memory import MemoryStore
from beam_jobs.contract.item import child_name
from tests.unit.runs.conftest import array
from tests.unit.runs.splitting import put_children, put_split, splitting_graph

# Ids that begin with each other, that sort around "/" and "~", and that look like children themselves.
ITEMS = st.sampled_from(
    ["a", "a!", "a.b", "a/b", "a/~", "a/~0000", "a~", "a/~00000", "b", "é", "\U0001f3b5/x"]
)
NUMBERS = st.frozensets(st.sampled_from([0, 1, 2, 3, 9]), max_size=4)
GRAPH = splitting_graph()


def expected(job: str, splits: dict, made: dict, item: str) -> bool:
    """Say it child by child: all children of a split item have the artifact."""
    count, index = splits.get(item, (0, False))
    return index and all(number in made.get((job, item), ()) for number in range(count))


@settings(max_examples=200)
@given(
    items=st.sets(ITEMS, min_size=1),
    splits=st.dictionaries(ITEMS, st.tuples(st.integers(0, 4), st.booleans())),
    made=st.dictionaries(st.tuples(st.sampled_from(["shout", "letters"]), ITEMS), NUMBERS),
    few=st.booleans(),
    parallel=st.sampled_from([1, 3]),
)
def test_an_item_is_present_when_each_of_its_children_has_its_artifact(items, splits, made, few, parallel):
    store = MemoryStore()
    store.parallel = parallel
    for item, (count, index) in splits.items():
        put_split(GRAPH, store, item, count, index=index)
    for (job, item), numbers in made.items():
        put_children(GRAPH, store, job, item, *numbers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presence, "FEW", 1000 if few else 0)
        patch.setattr(presence, "CHUNK", 3)
        patch.setattr(presence, "BATCH", 3)
        patch.setattr(presence, "ITEMS_PER_RANGE", 2)
        found = take_inventory(
            GRAPH, ["cut", "shout", "letters"], array(items), Stores({"memory": lambda: store}), source=False
        )
        index, keys = find_keys(recipe(GRAPH, "cut"), array(items), Stores({"memory": lambda: store}))
    for row, item in enumerate(sorted(items)):
        count, there = splits.get(item, (0, False))
        assert found.present["cut"][row] == index[row] == there, item
        assert found.children["cut"][row] == count, item
        for job in ("shout", "letters"):
            assert found.present[job][row] == expected(job, splits, made, item), (job, item)
    wanted = [f"{item}/{child_name(n)}" for item in items for n in range(splits.get(item, (0,))[0])]
    assert sorted(child_ids(keys, array(items)).to_pylist()) == sorted(wanted)


@pytest.mark.parametrize("few", [0, 32])
def test_what_is_no_file_of_a_child_is_not_counted(monkeypatch, few):
    monkeypatch.setattr(presence, "FEW", few)
    store, made = MemoryStore(), recipe(GRAPH, "shout")
    names = ("~00001", "~1", "~000001", "~00002/more", "00003", "~0000x", "x~00004", "~00005.old")
    for name in names:
        store.write(f"{made.address.prefix}a/{name}.shout", b"x")
    store.write(f"{made.address.prefix}a/~00006.wav", b"x")
    keys = child_keys(made.address, array("ab"), store)
    assert child_ids(keys, array("ab")).to_pylist() == ["a/~00001"]


def test_an_older_split_into_more_pieces_does_not_make_up_for_a_child_that_lacks_its_artifact(store, stores):
    put_split(GRAPH, store, "a", 3)
    put_children(GRAPH, store, "shout", "a", 0, 2, 3, 4)  # 3 and 4 are left from a longer text
    found = take_inventory(GRAPH, ["shout"], array("a"), stores, source=False)
    assert found.present["shout"].tolist() == [False]


def test_an_item_that_was_split_into_nothing_is_done(store, stores):
    put_split(GRAPH, store, "silence", 0)
    found = take_inventory(GRAPH, ["cut", "shout", "letters"], array(["silence"]), stores, source=False)
    assert {job: there.tolist() for job, there in found.present.items()} == {
        "cut": [True], "shout": [True], "letters": [True],
    }  # fmt: skip


@pytest.mark.parametrize("few", [0, 32])
def test_a_child_that_was_made_with_other_params_makes_its_item_stale(monkeypatch, store, stores, few):
    monkeypatch.setattr(presence, "FEW", few)
    entry = {"step": "tests.splitting_steps:shout", "needs": ["cut"], "params": {"mark": "?"}}
    old = splitting_graph(shout=entry)
    for item in ("a", "b", "c"):
        put_split(GRAPH, store, item, 2)
    put_children(old, store, "shout", "a", 1)
    put_children(old, store, "shout", "b", 0)
    put_children(GRAPH, store, "shout", "b", 0, 1)
    found = take_inventory(GRAPH, ["shout"], array("abc"), stores, source=False)
    assert found.present["shout"].tolist() == [False, True, False]
    assert found.stale["shout"].tolist() == [True, False, False]


def test_children_are_counted_from_one_listing_of_each_place():
    listed = []

    class Counting(MemoryStore):
        def list_uris(self, prefix: str, *, start: str = "", end: str = ""):
            listed.append(prefix)
            return super().list_uris(prefix, start=start, end=end)

        def exists(self, uri: str) -> bool:
            raise AssertionError(f"asked for {uri}")

    counting = Counting()
    items = array(f"label/{n:05d}" for n in range(3000))
    take_inventory(GRAPH, GRAPH.order, items, Stores({"memory": lambda: counting}))
    assert len(listed) == len(set(listed)) == len(GRAPH.order) + 1


def test_no_more_of_a_listing_is_read_than_the_items_span():
    seen: list[str] = []

    class Watching(MemoryStore):
        def list_uris(self, prefix: str, *, start: str = "", end: str = ""):
            for batch in super().list_uris(prefix, start=start, end=end):
                seen.extend(batch)
                yield batch

    store = Watching()
    for number in range(300):
        put_split(GRAPH, store, f"{number:03d}", 2)
    items = array(f"{number:03d}" for number in range(100, 200))
    found = take_inventory(GRAPH, ["cut", "shout"], items, Stores({"memory": lambda: store}))
    assert found.present["cut"].all()
    assert len([uri for uri in seen if re.search(r"/\d\d\d\.json$|/~\d{5}\.word$", uri)]) == 300


@pytest.mark.parametrize(
    ("item", "root"),
    [("a", "a"), ("a/~00000", "a"), ("a/b/~99999", "a/b"), ("a/~1", "a/~1"), ("~00000", "~00000"),
     ("a/~000000", "a/~000000"), ("a/~00000/b", "a/~00000/b")],
)  # fmt: skip
def test_the_item_that_a_child_was_made_of(item, root):
    assert root_of(item) == root
