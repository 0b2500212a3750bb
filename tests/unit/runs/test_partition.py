"""A request for a partition: which items it has, and when it is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import chain

import pytest

from airflow_media_provider.errors import EmptySelection, PlanError, SelectionError
from airflow_media_provider.registry.partitions import Partitions
from airflow_media_provider.runs.leave_out import write_rows
from airflow_media_provider.runs.partition import partition_keys
from airflow_media_provider.runs.plan import make_plan, select_items
from airflow_media_provider.runs.request import PlanRequest, parse_request

NAMED = Partitions(by="prefix", keys=("rock", "R*B", "none"), select="{partition}/")
SHARDS = Partitions(by="hash", count=4)


@pytest.fixture
def sliced(graph):
    """The graph with partitions."""
    return lambda partitions: replace(graph, partitions=partitions)


@pytest.fixture
def items(graph, stores):
    """Items of a request."""

    def items(graph, **request):
        return select_items(graph, parse_request(request), stores).items.to_pylist()

    return items


def test_a_named_partition_has_the_items_below_its_name(sliced, put, items):
    put("source", "rock/a", "rock/live/b", "rockabilly/c", "R*B/d", "RxB/e")
    assert items(sliced(NAMED), partition="rock") == ["rock/a", "rock/live/b"]
    assert items(sliced(NAMED), partition="R*B") == ["R*B/d"], "a star in a name is no glob"


def test_a_partition_without_items_is_a_plan_of_nothing(sliced, stores, put):
    put("source", "rock/a")
    plan = make_plan(sliced(NAMED), PlanRequest(partition="none", targets=("energy",)), stores)
    assert plan.counts()["energy"] == {"run": 0, "present": 0, "blocked": 0}
    with pytest.raises(EmptySelection):
        make_plan(sliced(NAMED), PlanRequest(prefix="none/"), stores)


def test_a_date_has_the_items_of_its_folder(sliced, put, items):
    put("source", "2026/01/01/a", "2026/01/02/a", "2026/01/02/b")
    dates = Partitions(by="date", start=date(2026, 1, 1), select="{partition:%Y/%m/%d}/")
    assert items(sliced(dates), partition="2026-01-02") == ["2026/01/02/a", "2026/01/02/b"]
    with pytest.raises(PlanError, match="no partition '2025-12-31'"):
        items(sliced(dates), partition="2025-12-31")


def test_the_shards_are_the_catalog_and_no_item_is_in_two(sliced, put, items):
    everything = [f"rock/{number}" for number in range(40)] + ["ü/日本", "[x]*"]
    put("source", *everything)
    found = [items(sliced(SHARDS), partition=key) for key in SHARDS.known_keys()]
    assert sorted(chain.from_iterable(found)) == sorted(everything)
    assert all(found)


def test_the_shards_of_a_selection_are_the_selection_with_its_wrong_rows(sliced, put, stores, store):
    rows = '{"item": "a", "force": true}\n"b"\n"c"\n"../x"\n"d"\n"e"\n'
    store.write("memory://bucket/list.jsonl", rows.encode())
    request = PlanRequest(items_uri="memory://bucket/list.jsonl")
    found = [
        select_items(sliced(SHARDS), request.model_copy(update={"partition": key}), stores)
        for key in SHARDS.known_keys()
    ]
    assert sorted(chain.from_iterable(part.items.to_pylist() for part in found)) == list("abcde")
    assert [row.value for part in found for row in part.rejected] == ["../x"]
    assert [set(part.overrides) for part in found if part.overrides] == [{"a"}]
    assert all(part.overrides.keys() <= set(part.items.to_pylist()) for part in found)


def test_a_limit_counts_the_items_of_the_shard(sliced, put, items):
    put("source", *(f"rock/{number}" for number in range(40)))
    whole = items(sliced(SHARDS), partition="shard-002")
    assert items(sliced(SHARDS), partition="shard-002", limit=3) == whole[:3]


def test_a_named_partition_takes_no_other_selection_beside_it(sliced, items):
    with pytest.raises(PlanError, match="leave out prefix"):
        items(sliced(NAMED), partition="rock", prefix="x")


def test_a_registry_without_partitions_says_how_to_get_some(graph, items):
    with pytest.raises(PlanError, match="has no partitions; add 'partitions:"):
        items(graph, partition="rock")


class TestKeysOnStorage:
    def test_the_folders_of_the_source(self, sliced, put, stores):
        put("source", "rock/a", "jazz/b", "top")
        keys = partition_keys(sliced(Partitions(by="prefix", select="{partition}/")), stores)
        assert keys == ("jazz", "rock")

    def test_one_list_file_each(self, sliced, store, stores, items):
        for name in ("us.txt", "de.txt", "notes.md", "deep/fr.txt"):
            store.write(f"memory://bucket/lists/{name}", b"a\n")
        lists = sliced(Partitions(by="list", select_uri="memory://bucket/lists/{partition}.txt"))
        assert partition_keys(lists, stores) == ("de", "us")
        assert items(lists, partition="us") == ["a"]

    def test_a_file_of_keys(self, sliced, store, stores):
        store.write("memory://bucket/keys.txt", "zydeco\r\n\n ambient \nzydeco\n".encode("utf-8-sig"))
        keyed = Partitions(by="prefix", keys_uri="memory://bucket/keys.txt", select="{partition}")
        assert partition_keys(sliced(keyed), stores) == ("zydeco", "ambient")

    def test_a_missing_file_of_keys_and_a_bad_key_are_named(self, sliced, store, stores):
        keyed = sliced(Partitions(by="prefix", keys_uri="memory://bucket/keys.txt", select="{partition}"))
        with pytest.raises(SelectionError, match=r"memory://bucket/keys.txt"):
            partition_keys(keyed, stores)
        store.write("memory://bucket/keys.txt", b"a..b\n")
        with pytest.raises(SelectionError, match=r"'a\.\.b' cannot be one"):
            partition_keys(keyed, stores)

    def test_dates_end_today(self, sliced, stores):
        dates = sliced(Partitions(by="date", start=date(2026, 1, 30)))
        assert partition_keys(dates, stores, now=datetime(2026, 2, 1, tzinfo=UTC)) == (
            "2026-01-30", "2026-01-31", "2026-02-01",
        )  # fmt: skip


class TestCellsThatAreLeftOut:
    LIST = "memory://bucket/failed.jsonl"

    def cells(self, graph, stores, **request):
        plan = make_plan(graph, parse_request({"leave_out": self.LIST, **request}), stores)
        return {(cell.item, cell.job): f"{cell.action} {cell.reason}" for cell in plan.rows()}

    def test_what_failed_before_is_blocked_with_what_depends_on_it(self, graph, put, stores):
        put("source", "a", "b")
        write_rows(self.LIST, [{"job": "beat_tracking", "item": "a", "run": "r"}], stores)
        found = self.cells(graph, stores, items=["a", "b"], targets=["energy", "loudness"])
        assert found["a", "beat_tracking"] == "blocked failed-before"
        assert found["a", "energy"] == "blocked parent-failed"
        assert found["a", "downsample"] == "skip excluded", "nobody needs it"
        assert found["a", "loudness"] == "run missing"
        assert found["b", "energy"] == "run missing"

    def test_what_was_made_since_is_present(self, graph, put, stores):
        put("source", "a")
        put("loudness", "a")
        write_rows(self.LIST, [{"job": "loudness", "item": "a"}], stores)
        assert self.cells(graph, stores, items=["a"], targets=["loudness"]) == {
            ("a", "loudness"): "skip present"
        }

    def test_without_the_file_nothing_is_left_out(self, graph, put, stores):
        put("source", "a")
        assert self.cells(graph, stores, items=["a"], targets=["loudness"])["a", "loudness"] == "run missing"

    def test_a_row_that_names_no_cell_is_told(self, graph, put, stores, store):
        put("source", "a")
        store.write(self.LIST, b'{"job": "loudness", "item": "a"}\n{"item": "b"}\n')
        with pytest.raises(PlanError, match=r"failed.jsonl:2: write"):
            self.cells(graph, stores, items=["a"])
