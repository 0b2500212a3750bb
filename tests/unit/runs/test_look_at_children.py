"""The second look of a job over children: the plan has items, the manifest their children."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs import presence
from airflow_media_provider.runs.backfill import open_backfill
from airflow_media_provider.runs.backfill_failed import note_failed
from airflow_media_provider.runs.here import plan_and_save
from airflow_media_provider.runs.leave_out import read_left_out
from airflow_media_provider.runs.look import look_again
from airflow_media_provider.runs.made import completions, write_made
from airflow_media_provider.runs.request import parse_request
from airflow_media_provider.runs.rows import report_rows
from airflow_media_provider.runs.spec import build_spec
from airflow_media_provider.runs.status import why
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.memory import MemoryStore
from beam_jobs.contract.report import ReportRow, Status, encode_report_row
from tests.unit.runs.conftest import array
from tests.unit.runs.splitting import put_children, put_split, splitting_graph

GRAPH = splitting_graph()


def put_texts(store, *items):
    for item in items:
        store.write(f"memory://bucket/texts/{item}.txt", b"x")


@pytest.fixture
def plan(stores):
    """Plan and store."""

    def plan(**request):
        return plan_and_save(
            GRAPH, parse_request(request), stores=stores, run_id="run", now=datetime.now(UTC)
        )

    return plan


def report(plan, job, store, **statuses):
    """Write a worker's report; ``__`` stands for ``/~``."""
    rows = [ReportRow(item=i.replace("__", "/~"), job=job, status=Status(s)) for i, s in statuses.items()]
    text = "".join(f"{encode_report_row(row)}\n" for row in rows)
    store.write(f"{plan.layout.job(job).report}/part-0.jsonl", text.encode())


def todo(manifest, stores):
    return [
        json.loads(line) for line in stores.for_uri(manifest.uri).read(manifest.uri).decode().splitlines()
    ]


def counts(manifest):
    return manifest.run, manifest.present, manifest.blocked


def blocked(plan, job, stores):
    return {row.item: row.message for row in report_rows(plan.layout.job(job), stores, worker=False)}


ITEMS = st.sampled_from(["a", "a!", "a.b", "b/c", "é"])
NUMBERS = st.frozensets(st.integers(0, 3), max_size=4)


@settings(max_examples=150)
@given(
    items=st.sets(ITEMS, min_size=1),
    splits=st.dictionaries(ITEMS, st.tuples(st.integers(0, 3), st.booleans())),
    shouts=st.dictionaries(ITEMS, NUMBERS),
    letters=st.dictionaries(ITEMS, NUMBERS),
    few=st.booleans(),
)
def test_each_child_that_lacks_its_artifact_is_done_or_blocked(items, splits, shouts, letters, few):
    store = MemoryStore()
    stores = Stores({"memory": lambda: store})
    put_texts(store, *items)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presence, "FEW", 1000 if few else 0)
        made = plan_and_save(
            GRAPH, parse_request({"items": sorted(items), "targets": ["letters"]}), stores=stores,
            run_id="run", now=datetime.now(UTC),
        )  # fmt: skip
        for item, (count, index) in splits.items():
            put_split(GRAPH, store, item, count, index=index)
        for job, numbers in (("shout", shouts), ("letters", letters)):
            for item, which in numbers.items():
                put_children(GRAPH, store, job, item, *which)
        manifest = look_again(made, "letters", stores)
    run, present, lacking = [], 0, []
    for item in items:  # nothing was there when it was planned, so every item is to be done
        count, index = splits.get(item, (0, False))
        if not index:
            lacking.append(item)
        for number in range(count if index else 0):
            child = f"{item}/~{number:05d}"
            if number in letters.get(item, ()):
                present += 1
            elif number in shouts.get(item, ()):
                run.append(child)
            else:
                lacking.append(child)
    assert [row["item"] for row in todo(manifest, stores)] == sorted(run)
    assert counts(manifest) == (len(run), present, len(lacking))
    assert sorted(blocked(made, "letters", stores)) == sorted(lacking)


def test_of_items_that_were_present_the_children_are_counted(plan, store, stores):
    put_texts(store, "a", "b")
    put_split(GRAPH, store, "a", 3)
    put_children(GRAPH, store, "shout", "a", 0, 1, 2)
    made = plan(items=["a", "b"], targets=["shout"])
    assert made.counts["shout"] == {"run": 1, "present": 1, "blocked": 0}
    put_split(GRAPH, store, "b", 2)
    put_children(GRAPH, store, "shout", "b", 1)
    manifest = look_again(made, "shout", stores)
    assert counts(manifest) == (1, 4, 0)
    assert todo(manifest, stores) == [{"item": "b/~00000"}]


def test_a_forced_item_has_all_its_children_done_until_this_run_has_made_them(plan, store, stores):
    put_texts(store, "a", "b")
    for item in ("a", "b"):
        put_split(GRAPH, store, item, 2)
    put_children(GRAPH, store, "shout", "a", 0, 1)
    put_children(GRAPH, store, "shout", "b", 1)  # missing, and partly there
    time.sleep(0.01)
    made = plan(items=["a", "b"], targets=["shout"], force=["shout"])
    assert counts(look_again(made, "shout", stores)) == (4, 0, 0)
    time.sleep(0.01)
    put_children(GRAPH, store, "shout", "a", 1)
    put_children(GRAPH, store, "shout", "b", 0)
    again = look_again(made, "shout", stores)
    assert counts(again) == (2, 2, 0)
    assert todo(again, stores) == [{"item": "a/~00000", "force": True}, {"item": "b/~00001", "force": True}]


def test_why_a_child_or_an_item_is_blocked(plan, store, stores):
    put_texts(store, "a", "gone", "unsplit")
    made = plan(items=["a", "gone", "unsplit"], targets=["place", "letters"])
    for item in ("a", "gone"):
        put_split(GRAPH, store, item, 1)
    store.delete("memory://bucket/texts/gone.txt")
    look_again(made, "place", stores)
    look_again(made, "letters", stores)
    places, letters = blocked(made, "place", stores), blocked(made, "letters", stores)
    assert set(places) == {"gone/~00000", "unsplit"}
    assert places["gone/~00000"].startswith("source-missing")
    assert places["unsplit"] == "parent-failed: an artifact of cut is not there"
    assert letters["a/~00000"] == "parent-failed: an artifact of shout is not there"


def test_a_traced_item_is_one_row(plan, store, stores):
    put_texts(store, "a")
    put_split(GRAPH, store, "a", 3)
    manifest = look_again(plan(items=["a"], targets=["shout"], ping=True), "shout", stores)
    assert todo(manifest, stores) == [{"item": "a", "ping": True}]


def test_a_list_may_trace_one_item_and_do_another(store, stores, plan):
    put_texts(store, "a", "b")
    uri = "memory://bucket/list.jsonl"
    store.write(uri, b'{"item": "a", "ping": true}\n{"item": "b"}\n')
    put_split(GRAPH, store, "a", 2)
    put_split(GRAPH, store, "b", 2)
    manifest = look_again(plan(items_uri=uri, targets=["shout"]), "shout", stores)
    assert todo(manifest, stores) == [
        {"item": "a", "ping": True}, {"item": "b/~00000"}, {"item": "b/~00001"},
    ]  # fmt: skip


def test_what_the_same_worker_makes_first_need_not_be_there(plan, store, stores):
    put_texts(store, "a")
    put_split(GRAPH, store, "a", 2)
    made = plan(items=["a"], targets=["letters"])
    manifest = look_again(made, "letters", stores, coming=frozenset({"shout", "letters"}))
    assert counts(manifest) == (2, 0, 0)


def test_a_worker_is_told_where_children_are_and_which_inputs_are_their_item_s(plan, store, stores):
    put_texts(store, "a")
    put_split(GRAPH, store, "a", 1)
    made = plan(items=["a"], force_all=True)
    split = build_spec(made, look_again(made, "cut", stores))
    assert split.child_output == recipe(GRAPH, "cut").child_address.template
    place = build_spec(made, look_again(made, "place", stores))
    assert (place.of_parent, place.child_output) == (("index", "text"), None)
    assert place.inputs["word"].endswith("/{item}.word")


def test_an_item_is_told_as_made_when_all_its_children_are_and_each_child_is_announced(plan, store, stores):
    put_texts(store, "a", "b", "c")
    made = plan(items=["a", "b", "c"], targets=["shout"])
    put_split(GRAPH, store, "a", 2)
    put_split(GRAPH, store, "b", 2)
    manifest = look_again(made, "shout", stores)
    put_children(GRAPH, store, "shout", "a", 0, 1, 2)  # the last one is left from a longer text
    put_children(GRAPH, store, "shout", "b", 0)
    report(made, "shout", store, a__00000="done", a__00001="done", b__00000="done", b__00001="failed")
    told = write_made(made, manifest, stores)
    assert store.read(told.uri) == b'{"item":"a"}\n'
    messages = list(completions(made, "shout", told, stores))
    assert [message.item for message in messages] == ["a/~00000", "a/~00001"]
    assert messages[1].artifact == recipe(GRAPH, "shout").address.of("a/~00001")


def test_a_child_that_failed_leaves_its_item_out_of_a_backfill(plan, store, stores):
    backfill = open_backfill(GRAPH, dag_id="texts", targets=("shout",), mode="bottom-up", items_uri=None)
    job = backfill.layout(backfill.run_id("x")).job("shout")
    row = ReportRow(item="a/~00003", job="shout", status=Status.FAILED)
    store.write(f"{job.report}/part-0.jsonl", f"{encode_report_row(row)}\n".encode())
    store.write(job.outcome, b'{"counts": {"failed": 1}}')
    assert [row["item"] for row in note_failed(backfill, stores)] == ["a"]
    left_out = read_left_out(backfill.left_out, ("shout",), array("ab"), stores)
    assert left_out["shout"].tolist() == [True, False]


def test_why_tells_of_an_item_with_its_children_and_of_a_child_alone(plan, store, stores):
    put_texts(store, "a", "ab")
    put_split(GRAPH, store, "a", 2)
    put_children(GRAPH, store, "shout", "a", 0)
    made = plan(items=["a", "ab"], targets=["shout"])
    report(made, "shout", store, a__00000="done", a__00001="failed", ab__00000="done")
    known = {entry.job: entry for entry in why(GRAPH, "a", stores)}
    assert [row.item for _, row in known["shout"].reports] == ["a/~00000", "a/~00001"]
    assert known["shout"].uri == f"{recipe(GRAPH, 'shout').address.prefix}a/"
    assert (known["shout"].exists, known["cut"].exists) == (False, True)
    known = {entry.job: entry for entry in why(GRAPH, "a/~00000", stores)}
    assert [row.item for _, row in known["shout"].reports] == ["a/~00000"]
    assert known["shout"].uri == recipe(GRAPH, "shout").address.of("a/~00000")
    assert (known["shout"].exists, known["cut"].exists, known["letters"].exists) == (True, True, False)
