"""One text to many words on a bucket, where a child's file is an object beside its index."""

from __future__ import annotations

import json
import sys
import uuid

import pytest

from airflow_media_provider.registry import JobGraph
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.here import RunResult, plan_and_save, run_here
from airflow_media_provider.runs.request import PlanRequest
from airflow_media_provider.runs.rows import report_rows
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.gcs import GcsStore
from tests.unit.runs.splitting import splitting_graph

pytestmark = pytest.mark.beam


@pytest.fixture
def graph(cloud, monkeypatch) -> JobGraph:
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    bucket = f"children-{uuid.uuid4().hex[:12]}"
    cloud.storage().create_bucket(bucket)
    return splitting_graph(f"gs://{bucket}/media", f"gs://{bucket}/texts/{{item}}.txt")


@pytest.fixture
def stores(cloud) -> Stores:
    return Stores({"gs": lambda: GcsStore(cloud.storage())})


def run(graph: JobGraph, stores: Stores, run_id: str, *items: str, force: str = "") -> RunResult:
    request = PlanRequest(items=items, targets=("letters", "place"), force=(force,) if force else ())
    plan = plan_and_save(graph, request, stores=stores, run_id=run_id)
    return run_here(plan, stores=stores, python=sys.executable, on_event=lambda event: None, on_line=print)


def counts(result: RunResult) -> dict[str, dict[str, int]]:
    return {o.job: {name: n for name, n in o.counts.items() if n} for o in result.outcomes}


def test_words_go_down_the_line_and_only_the_one_that_went_away_is_made_again(graph, stores):
    store = stores.for_uri(graph.root)
    for item, text in {"rock/Jóga #1": "one two three", "pop/d": "four hush"}.items():
        store.write(graph.source.replace("{item}", item), text.encode())
    first = run(graph, stores, "first", "rock/Jóga #1", "pop/d")
    assert counts(first) == {
        "cut": {"done": 2},
        "shout": {"done": 4, "failed": 1},
        "letters": {"done": 4, "blocked": 1},
        "place": {"done": 5},
    }
    words = recipe(graph, "cut").child_address
    listed = [uri for batch in store.list_uris(words.prefix) for uri in batch]
    assert sorted(uri for uri in listed if uri.endswith(".word")) == [
        words.of(child)
        for child in ("pop/d/~00000", "pop/d/~00001", *(f"rock/Jóga #1/~0000{n}" for n in range(3)))
    ]
    letters = recipe(graph, "letters").address
    store.delete(letters.of("rock/Jóga #1/~00002"))
    again = run(graph, stores, "again", "rock/Jóga #1")
    assert counts(again) == {
        "cut": {"present": 1},
        "shout": {"present": 3},
        "letters": {"done": 1, "present": 2},
        "place": {"present": 3},
    }
    (row,) = report_rows(again.plan.layout.job("letters"), stores)
    assert row.uri == letters.of("rock/Jóga #1/~00002")
    assert json.loads(store.read(row.uri)) == {"letters": 6}
    store.write(graph.source.replace("{item}", "pop/d"), b"short")
    shorter = run(graph, stores, "shorter", "pop/d", force="cut")
    assert counts(shorter) == {job: {"done": 1} for job in shorter.plan.jobs}
    pieces = f"{words.prefix}pop/d/"
    assert [uri for batch in store.list_uris(pieces) for uri in batch] == [f"{pieces}~00000.word"]
