"""Whole runs on a bucket: songs, list, artifacts, manifests, launch specs and reports, all on ``gs://``."""

from __future__ import annotations

import csv
import io
import itertools
import json
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from airflow_media_provider.errors import PlanError, StorageError
from airflow_media_provider.registry import JobGraph, media_registry
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.here import RunResult, plan_and_save, run_here
from airflow_media_provider.runs.look import look_again
from airflow_media_provider.runs.plan import make_plan
from airflow_media_provider.runs.request import PlanRequest
from airflow_media_provider.runs.rows import report_rows
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.gcs import GcsStore
from tests.integration.songs import make_songs
from tests.peers.gcs import gcs_client
from tests.peers.refusing import refusing_storage

JOBS = {
    "downsample": {"step": "downsample", "needs": ["source"]},
    "beat_tracking": {"step": "beat_tracking", "needs": ["downsample"]},
    "loudness": {"step": "loudness", "needs": ["source"]},
}
ITEMS = ("rock/Jóga #1", "rock/b,c", "pop/d")


@pytest.fixture
def graph(cloud, monkeypatch) -> JobGraph:
    """Three jobs on a bucket of this test's own."""
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    bucket = f"runs-{uuid.uuid4().hex[:12]}"
    cloud.storage().create_bucket(bucket)
    return media_registry(root=f"gs://{bucket}/media", source=f"gs://{bucket}/songs/{{item}}.ogg", jobs=JOBS)


@pytest.fixture
def stores(cloud) -> Stores:
    return Stores({"gs": lambda: GcsStore(cloud.storage())})


@pytest.fixture
def songs(graph, stores, tmp_path) -> None:
    """Upload a song per item."""
    make_songs(tmp_path, ITEMS)
    for item in ITEMS:
        uri = graph.source.replace("{item}", item)
        stores.for_uri(uri).write(uri, tmp_path / f"{item}.ogg")


def run(graph: JobGraph, stores: Stores, run_id: str, **request: object) -> RunResult:
    plan = plan_and_save(graph, PlanRequest.model_validate(request), stores=stores, run_id=run_id)
    return run_here(plan, stores=stores, python=sys.executable, on_event=lambda event: None, on_line=print)


def counts(result: RunResult, *names: str) -> dict[str, tuple[int, ...]]:
    return {o.job: tuple(o.counts[name] for name in names) for o in result.outcomes}


def names(stores: Stores, uri: str) -> list[str]:
    return sorted(found for batch in stores.for_uri(uri).list_uris(uri) for found in batch)


@pytest.mark.beam
@pytest.mark.usefixtures("songs")
def test_a_run_has_all_that_it_reads_and_writes_on_a_bucket(graph, stores):
    items_uri = f"{graph.root}/lists/songs.txt"
    stores.for_uri(items_uri).write(items_uri, "\n".join([*ITEMS, "no such song"]).encode())
    result = run(graph, stores, "first", items_uri=items_uri)
    assert counts(result, "done", "failed", "blocked") == dict.fromkeys(JOBS, (3, 0, 1))
    for job in JOBS:
        address = recipe(graph, job).address
        assert names(stores, address.prefix) == sorted(address.of(item) for item in ITEMS)
        layout = result.plan.layout.job(job)
        rows = list(report_rows(layout, stores))
        assert sorted((row.item, row.status) for row in rows) == [(item, "done") for item in sorted(ITEMS)]
        assert all(row.bytes_out for row in rows)
        assert json.loads(stores.for_uri(layout.launch).read(layout.launch))["manifest"].startswith("gs://")
    assert not any(".tmp-" in uri or "beam-temp" in uri for uri in names(stores, f"{graph.root}/"))
    again = run(graph, stores, "second", items_uri=items_uri)
    assert counts(again, "done", "present", "blocked") == dict.fromkeys(JOBS, (0, 3, 1))


@pytest.mark.beam
@pytest.mark.usefixtures("songs")
def test_a_run_that_is_tried_again_clears_its_earlier_report(graph, stores):
    request = PlanRequest(items=tuple(ITEMS), targets=("downsample",))
    plan = plan_and_save(graph, request, stores=stores, run_id="twice")
    for status in ("done", "present"):
        result = run_here(
            plan, stores=stores, python=sys.executable, on_event=lambda event: None, on_line=print
        )
        assert counts(result, status) == {"downsample": (3,)}
        rows = report_rows(plan.layout.job("downsample"), stores)
        assert sorted((row.item, row.status) for row in rows) == [(item, status) for item in sorted(ITEMS)]


@pytest.mark.beam
@pytest.mark.usefixtures("songs")
def test_two_runs_that_race_leave_one_artifact_each_and_two_honest_reports(graph, stores):
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda n: run(graph, stores, f"race {n}", items=ITEMS), range(2)))
    for job in JOBS:
        address = recipe(graph, job).address
        assert names(stores, address.prefix) == sorted(address.of(item) for item in ITEMS)
        both = [{row.item: row for row in report_rows(r.plan.layout.job(job), stores)} for r in runs]
        for item in ITEMS:
            said = sorted(str(rows[item].status) for rows in both if item in rows)
            assert said.count("done") == 1, (job, item, said)
            assert set(said) <= {"done", "present"}, (job, item, said)
    assert all(result.all_done for result in runs)


@pytest.mark.beam
@pytest.mark.usefixtures("songs")
def test_a_run_whose_every_second_upload_is_not_answered_says_done_of_what_it_made(
    cloud, graph, stores, monkeypatch
):
    uploads = itertools.count()

    def every_second(method: str, path: str) -> bool:
        return method == "POST" and path.startswith("/upload/") and next(uploads) % 2 == 0

    with refusing_storage(cloud.gcs_url, lose=every_second) as url:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        result = run(graph, stores, "lost", items=ITEMS)
    assert counts(result, "done", "present") == dict.fromkeys(JOBS, (3, 0))


def write_report(graph: JobGraph, stores: Stores) -> str:
    """Write what the bucket holds as Storage Insights does, with a manifest, and return the folder."""
    bucket = graph.root.split("/")[2]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("bucket", "name", "size", "updated"))
    uris = names(stores, f"gs://{bucket}/")
    writer.writerows((bucket, uri.removeprefix(f"gs://{bucket}/"), 1, "2026-01-01T00:00:00Z") for uri in uris)
    folder = f"gs://{bucket}/reports/"
    manifest = {"records_processed": len(uris), "report_shards_file_names": ["r_0.csv"]}
    store = stores.for_uri(folder)
    store.write(f"{folder}r_0.csv", text.getvalue().encode())
    store.write(f"{folder}r_manifest.json", json.dumps(manifest).encode())
    return folder


@pytest.fixture
def catalog(graph, stores) -> Iterator[tuple[str, list[str]]]:
    """A saved inventory of a hundred songs, of which every second has been downsampled; and the ids."""
    items = sorted(f"label {n % 3}/ü {n:03}" for n in range(100))
    store, made = stores.for_uri(graph.root), recipe(graph, "downsample").address
    for n, item in enumerate(items):
        store.write(graph.source.replace("{item}", item), b"x")
        if n % 2 == 0:
            store.write(made.of(item), b"x")
    return write_report(graph, stores), items


@pytest.mark.parametrize("count", [2, 40])
def test_a_source_bucket_that_is_not_there_is_told_for_few_items_and_for_many(graph, stores, count):
    lost = replace(graph, source="gs://no-such-songs/x/{item}.ogg")
    items = tuple(f"{n}" for n in range(count))
    with pytest.raises(StorageError, match="no-such-songs"):
        make_plan(lost, PlanRequest(items=items), stores)


def test_a_plan_from_a_saved_inventory_is_the_plan_from_listings_and_lists_nothing(
    cloud, graph, stores, catalog
):
    folder, _ = catalog
    requests: list[str] = []
    with refusing_storage(cloud.gcs_url, lambda method, path: bool(requests.append(path))) as url:
        watched = Stores({"gs": lambda: GcsStore(gcs_client(url))})
        saved = make_plan(graph, PlanRequest(prefix="**", inventory_uri=folder), watched)
    lists = [
        p for p in requests if urlsplit(p).path.endswith("/o") and "prefix" in parse_qs(urlsplit(p).query)
    ]
    assert [parse_qs(urlsplit(path).query)["prefix"] for path in lists] == [["reports/"]]
    assert len(requests) < 8, "the report's own files, and nothing per object"
    listed = make_plan(graph, PlanRequest(prefix="**"), stores)
    assert saved.counts() == listed.counts()
    assert saved.counts()["downsample"] == {"run": 50, "present": 50, "blocked": 0}
    assert list(saved.rows()) == list(listed.rows())


def test_what_was_made_after_the_snapshot_is_found_by_the_second_look(graph, stores, catalog):
    folder, items = catalog
    made = recipe(graph, "downsample").address
    for item in items[1:11:2]:
        stores.for_uri(graph.root).write(made.of(item), b"x")
    request = PlanRequest(items=tuple(items), inventory_uri=folder)
    plan = plan_and_save(graph, request, stores=stores, run_id="saved")
    assert plan.counts["downsample"]["run"] == 50
    look = look_again(plan, "downsample", stores)
    assert (look.run, look.present) == (45, 55)


def test_what_was_deleted_after_the_snapshot_is_present_and_blocks_what_needs_it(graph, stores, catalog):
    folder, items = catalog
    made = recipe(graph, "downsample").address
    for item in items[0:10:2]:
        stores.for_uri(graph.root).delete(made.of(item))
    request = PlanRequest(items=tuple(items), inventory_uri=folder, targets=("beat_tracking",))
    plan = plan_and_save(graph, request, stores=stores, run_id="saved")
    assert plan.counts["downsample"] == {"run": 50, "present": 50, "blocked": 0}
    assert plan.counts["beat_tracking"]["run"] == 100
    look_again(plan, "downsample", stores)
    for item in items[1::2]:
        stores.for_uri(graph.root).write(made.of(item), b"x")
    look = look_again(plan, "beat_tracking", stores)
    assert (look.run, look.blocked) == (95, 5)
    layout = plan.layout.job("beat_tracking")
    rows = [json.loads(line) for line in stores.for_uri(layout.blocked).read(layout.blocked).splitlines()]
    assert {row["item"] for row in rows} == set(items[0:10:2])
    assert {row["message"] for row in rows} == {"parent-failed: an artifact of downsample is not there"}


@pytest.mark.beam
@pytest.mark.usefixtures("songs")
def test_a_worker_whose_input_was_deleted_after_the_snapshot_says_what_blocks_the_item(graph, stores):
    first = run(graph, stores, "first", items=ITEMS, targets=["downsample"])
    assert first.all_done
    folder = write_report(graph, stores)
    song, _, no_parent = ITEMS
    store = stores.for_uri(graph.root)
    store.delete(recipe(graph, "downsample").address.of(no_parent))
    store.delete(graph.source.replace("{item}", song))
    result = run(graph, stores, "second", items=ITEMS, inventory_uri=folder)
    assert counts(result, "done", "present", "failed", "blocked") == {
        "downsample": (0, 3, 0, 0), "beat_tracking": (2, 0, 0, 1), "loudness": (2, 0, 0, 1),
    }  # fmt: skip
    said = {
        (row.job, row.item): row.message
        for job in ("beat_tracking", "loudness")
        for row in report_rows(result.plan.layout.job(job), stores)
        if row.status == "blocked"
    }
    assert set(said) == {("beat_tracking", no_parent), ("loudness", song)}
    assert said["beat_tracking", no_parent].startswith("parent-failed: ")
    assert said["loudness", song].startswith("source-missing: ")


def test_an_inventory_of_another_bucket_is_refused(graph, stores, catalog):
    folder, items = catalog
    other = media_registry(root="gs://elsewhere/media", source="gs://elsewhere/{item}.ogg", jobs=JOBS)
    with pytest.raises(PlanError, match=r"is about gs://runs-.*gs://elsewhere/media"):
        make_plan(other, PlanRequest(items=tuple(items), inventory_uri=folder), stores)
