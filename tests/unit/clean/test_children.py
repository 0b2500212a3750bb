"""What an older split and the jobs over its children have left is found by the item that was split."""

from __future__ import annotations

import pyarrow as pa
import pytest

from airflow_media_provider.registry import JobGraph
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.clean import find_old, old_layouts, search
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.memory import MemoryStore
from tests.unit.runs.splitting import STEPS, put_children, put_split, splitting_graph


def graph_with(suffix: str) -> JobGraph:
    """Return the registry whose split makes files that end so; all jobs have other fingerprints with it."""
    cut = {"step": f"{STEPS}:cut_as_told", "needs": ["source"], "params": {"suffix": suffix}}
    shout = {"step": f"{STEPS}:shout_anything", "needs": ["cut"]}
    return splitting_graph(cut=cut, shout=shout, place=cut, words=cut)


def uris(store: MemoryStore) -> set[str]:
    return {uri for batch in store.list_uris("memory://") for uri in batch}


@pytest.mark.parametrize("few", [0, 32])
def test_files_and_artifacts_of_children_go_with_their_item_and_the_current_ones_stay(monkeypatch, few):
    monkeypatch.setattr(search, "FEW", few)
    monkeypatch.setattr(search, "CHUNK", 3)
    graph, older, store = graph_with(".word"), graph_with(".spoken.wav"), MemoryStore()
    stores = Stores({"memory": lambda: store})
    put_split(older, store, "a", 2)
    put_children(older, store, "shout", "a", 0, 1)
    gone = uris(store)
    assert len(gone) == 5
    for registry, item in ((graph, "a"), (graph, "b"), (older, "b")):
        put_split(registry, store, item, 2)
        put_children(registry, store, "shout", item, 0, 1)
    prefix = recipe(older, "cut").address.prefix
    for name in ("a/~1.word", "a/~00001/x.word", "a/00001.word"):
        store.write(f"{prefix}{name}", b"x")
    layouts, refused = old_layouts(graph, graph.order)
    assert not refused
    found = find_old(graph, layouts, pa.array(["a", "a!"], pa.large_string()), stores)
    assert sorted(uri for old in found for uri in old.each()) == sorted(gone)


def test_children_that_are_current_for_another_overlay_stay():
    graph, older, store = graph_with(".word"), graph_with(".spoken.wav"), MemoryStore()
    stores = Stores({"memory": lambda: store})
    put_split(older, store, "a", 2)
    put_children(older, store, "shout", "a", 0, 1)
    layouts, _ = old_layouts(graph, graph.order)
    assert not find_old(graph, layouts, pa.array(["a"], pa.large_string()), stores, beside=[older])


def test_a_file_that_is_an_item_s_and_could_be_another_s_child_is_found_once():
    graph, older, store = graph_with(".word"), graph_with(".spoken.wav"), MemoryStore()
    stores = Stores({"memory": lambda: store})
    put_children(older, store, "shout", "a", 0)
    layouts, _ = old_layouts(graph, graph.order)
    (old,) = find_old(graph, layouts, pa.array(["a", "a/~00000"], pa.large_string()), stores)
    assert list(old.each()) == sorted(uris(store))
