"""Items out of BigQuery, through the Google provider's hook, on a server that speaks its protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_media_provider.catalog.selection import Selection, read_selection
from airflow_media_provider.errors import EmptySelection, SelectionError
from airflow_media_provider.hooks import bigquery
from airflow_media_provider.hooks.media import MediaHook
from airflow_media_provider.registry import media_registry
from airflow_media_provider.storage import Stores
from tests.peers.bigquery import PROJECT, bigquery_server, find_bigquery

pytestmark = pytest.mark.airflow

GRAPH = media_registry(
    root="/data", source="/songs/{item}.ogg", jobs={"loudness": {"step": "loudness", "needs": ["source"]}}
)
SONGS = 250


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if find_bigquery() is None:
        pytest.skip("no BigQuery server: install tests/peers/bigquery-requirements.txt into .bigquery")
    with bigquery_server(tmp_path_factory.mktemp("bigquery")) as url:
        _fill(url)
        yield url


def _fill(url: str) -> None:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery as google

    client = google.Client(
        project=PROJECT, credentials=AnonymousCredentials(), client_options={"api_endpoint": url}
    )
    client.create_dataset("songs")
    schema = [google.SchemaField("track", "STRING"), google.SchemaField("item", "STRING"),
              google.SchemaField("year", "INTEGER"), google.SchemaField("force", "BOOL")]  # fmt: skip
    table = client.create_table(google.Table(f"{PROJECT}.songs.tracks", schema=schema))
    rows: list[dict[str, Any]] = [
        {"track": f"t{n:03}", "item": f"i{n:03}", "year": 1900 + n, "force": True if n == 7 else None}
        for n in range(SONGS)
    ]
    rows += [
        {"track": None, "item": "rock/b", "year": 3000, "force": None},
        {"track": "../bad", "item": "a", "year": 3000, "force": None},
    ]
    assert client.insert_rows_json(table, rows) == []


@pytest.fixture
def stores(server: str, dag_folder: object, monkeypatch: pytest.MonkeyPatch) -> Stores:
    connection = {"conn_type": "google_cloud_platform", "extra": {"is_anonymous": True, "project": PROJECT}}
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server)
    return MediaHook().stores()


def select(stores: Stores, query: str, **more: Any) -> Selection:
    return read_selection(GRAPH, items_query=query, stores=stores, **more)


def test_the_rows_of_a_query_are_the_items(stores):
    found = select(stores, "SELECT item FROM songs.tracks WHERE year BETWEEN 2000 AND 2004")
    assert found.items.to_pylist() == ["i100", "i101", "i102", "i103", "i104"]
    assert (found.rejected, found.duplicates) == ((), 0)


def test_a_long_result_comes_in_pages_and_nothing_is_lost(stores, monkeypatch):
    monkeypatch.setattr(bigquery, "PAGE", 30)
    found = select(stores, "SELECT item FROM songs.tracks WHERE year < 3000 ORDER BY year DESC")
    assert found.items.to_pylist() == [f"i{n:03}" for n in range(SONGS)]


def test_another_column_may_have_the_item_and_bad_rows_are_told_with_their_place(stores):
    query = "SELECT track, year FROM songs.tracks WHERE year IN (1900, 3000) ORDER BY year, track"
    found = select(stores, query, items_column="track")
    assert found.items.to_pylist() == ["t000"]
    assert sorted((r.value, r.where) for r in found.rejected) == [
        ("", "row 2 of the query"), ("../bad", "row 3 of the query")
    ]  # fmt: skip


def test_a_row_may_force_its_item(stores):
    found = select(stores, "SELECT item, `force` FROM songs.tracks WHERE year < 1910")
    assert {item: override.force for item, override in found.overrides.items()} == {"i007": True}


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELECT item FROM songs.nothing", "songs.nothing"),
        ("SELEC item", "'SELEC item': "),
        (
            "SELECT year FROM songs.tracks",
            "the table has no column 'item'; it has: 'year'; say",
        ),
        ("SELECT year AS item, 1.5 AS x FROM songs.tracks WHERE year > 9000", "there is not one item in it"),
        ("SELECT CAST(1.5 AS FLOAT64) AS item", "column 'item' has type double; make it a string"),
    ],
)
def test_a_query_that_gives_no_items_says_why(stores, query, why):
    with pytest.raises((SelectionError, EmptySelection)) as error:
        select(stores, query)
    assert why in str(error.value)
    assert "items_query" in str(error.value)


def test_a_filter_belongs_into_the_query(stores):
    with pytest.raises(SelectionError, match="WHERE"):
        select(stores, "SELECT item FROM songs.tracks", items_filter="year > 2000")


def test_without_anybody_who_runs_queries_one_is_refused():
    with pytest.raises(SelectionError, match="nothing here can run queries"):
        select(Stores(), "SELECT 1 AS item")


def test_a_dag_plans_what_a_query_names(catalog, stores):
    body = """
    MediaPlanOperator(task_id="plan", registry=REGISTRY, targets="loudness", use_params=True,
                      items_query="SELECT item FROM songs.tracks WHERE year = 1900")
"""
    run = catalog.run(body, dag_id="plan_query")
    assert run.xcoms["plan"]["jobs"] == {"loudness": {"run": 0, "present": 0, "blocked": 1}}

    form = {"items_query": "SELECT item, track FROM songs.tracks WHERE year = 3000"}
    run = catalog.run(body, dag_id="plan_query", conf=form)
    assert run.xcoms["plan"]["jobs"] == {"loudness": {"run": 2, "present": 0, "blocked": 0}}
