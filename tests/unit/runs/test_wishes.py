"""One plan over items that ask for different jobs, in different modes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_media_provider.registry import media_registry
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.plan import make_plan
from airflow_media_provider.runs.request import parse_request
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.memory import MemoryStore
from tests.unit.runs.conftest import JOBS

GRAPH = media_registry(root="memory://b/artifacts", source="memory://b/songs/{item}.ogg", jobs=JOBS)
LIST = "memory://b/list.jsonl"
RANK = {"run": 3, "blocked": 2, "skip": 1}


def world(there: dict[str, set[str]]) -> MemoryStore:
    """Return a store with the sources and artifacts of items."""
    store = MemoryStore()
    for item, names in there.items():
        for name in names:
            source = f"memory://b/songs/{item}.ogg"
            store.write(source if name == "source" else recipe(GRAPH, name).address.of(item), b"x")
    return store


def actions(store: MemoryStore, **request: object) -> dict[tuple[str, str], str]:
    plan = make_plan(GRAPH, parse_request(request), Stores({"memory": lambda: store}))
    return {(cell.item, cell.job): cell.action for cell in plan.rows()}


def planned_list(store: MemoryStore, rows: list[dict[str, object]], **request: object):
    store.write(LIST, "".join(f"{json.dumps(row)}\n" for row in rows).encode())
    return actions(store, items_uri=LIST, **request)


MODES = st.sampled_from(["bottom-up", "top-down", "only", None])
TARGETS = st.lists(st.sampled_from(sorted(JOBS)), max_size=2, unique=True)
ROWS = st.lists(st.tuples(st.sampled_from("abc"), TARGETS, MODES), min_size=1, max_size=5)
THERE = st.fixed_dictionaries({item: st.sets(st.sampled_from(["source", *JOBS])) for item in "abc"})


@given(rows=ROWS, there=THERE, mode=st.sampled_from(["bottom-up", "top-down"]))
def test_each_item_gets_what_each_of_its_rows_alone_would_get(rows, there, mode):
    store = world(there)
    expected: dict[tuple[str, str], str] = {}
    rows = [(item, targets, wish if targets else wish and "bottom-up") for item, targets, wish in rows]
    asking = {item for item, targets, wish in rows if targets or wish}
    for item, targets, wish in rows:
        if item in asking and not (targets or wish):
            continue  # a row that only names the item adds nothing to one that asks
        alone = actions(store, items=[item], targets=targets, mode=wish or mode)
        for cell, action in alone.items():
            expected[cell] = max(expected.get(cell, "skip"), action, key=RANK.__getitem__)
    said = [
        {"item": item, **({"request": {"targets": targets, "mode": wish}} if targets or wish else {})}
        for item, targets, wish in rows
    ]
    found = planned_list(store, said, mode=mode)
    assert {cell: action for cell, action in found.items() if cell in expected} == expected
    assert {action for cell, action in found.items() if cell not in expected} <= {"skip"}


def test_force_is_of_what_the_row_itself_asks_for():
    store = world({"a": {"source", *JOBS}, "b": {"source", *JOBS}})
    rows = [{"item": "a", "force": True, "request": {"targets": ["beat_tracking"]}}, {"item": "b"}]
    found = planned_list(store, rows, targets=["energy"])
    assert {cell for cell, action in found.items() if action == "run"} == {("a", "beat_tracking")}


def test_a_forced_job_of_the_request_is_left_where_a_row_does_not_reach_it():
    store = world({"a": {"source", *JOBS}, "b": {"source", *JOBS}})
    rows = [{"item": "a", "request": {"targets": ["loudness"]}}, {"item": "b"}]
    found = planned_list(store, rows, targets=["energy"], force=["beat_tracking"])
    assert {cell for cell, action in found.items() if action == "run"} == {
        ("b", "beat_tracking"), ("b", "energy"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"targets": ["enrgy"]}, "request.targets names 'enrgy', which is no job; did you mean 'energy'?"),
        ({"mode": "up"}, "request.mode is 'up'; write bottom-up, top-down, only"),
        ({"target": "energy"}, "request is {'target': 'energy'}; write"),
        ("energy", "request is 'energy'; write"),
        ({"targets": "energy"}, "request.targets is 'energy'; write a list of jobs"),
    ],
)
def test_a_row_that_asks_for_nonsense_is_rejected_alone(request_, why):
    store = world({"a": {"source"}, "b": {"source"}})
    store.write(LIST, f'{json.dumps({"item": "a", "request": request_})}\n{{"item": "b"}}\n'.encode())
    plan = make_plan(GRAPH, parse_request({"items_uri": LIST}), Stores({"memory": lambda: store}))
    assert plan.selection.items.to_pylist() == ["b"]
    (rejected,) = plan.selection.rejected
    assert rejected.why.startswith(why)


def test_several_list_files_are_one_selection():
    store = world({"a": {"source"}, "b": {"source"}})
    store.write("memory://b/1.txt", b"a\nb\n")
    store.write("memory://b/2.jsonl", b'{"item": "b"}\n{"item": ".."}\n')
    request = parse_request({"items_uri": ["memory://b/1.txt", "memory://b/2.jsonl"]})
    selection = make_plan(GRAPH, request, Stores({"memory": lambda: store})).selection
    assert (selection.items.to_pylist(), selection.duplicates) == (["a", "b"], 1)
    assert selection.rejected[0].where == "memory://b/2.jsonl:2"
