"""A plan on storage: written once, read again by each task."""

from __future__ import annotations

import json

import pytest

from airflow_media_provider.errors import PlanError, SelectionError
from airflow_media_provider.runs.cells_file import read_item, read_job_cells
from airflow_media_provider.runs.stored import forget_plan, open_plan


def manifest(plan, stores, job):
    uri = plan.layout.job(job).planned
    return [json.loads(line) for line in stores.for_uri(uri).read(uri).decode().split("\n") if line]


def test_what_is_read_back_is_what_was_planned(plan, put, stores):
    put("source", "a", "b")
    put("downsample", "a")
    made = plan(items=["a", "b", "c"], targets=["energy"], force=["beat_tracking"])
    assert open_plan(made.layout.uri, stores) == made
    assert open_plan(made.layout.plan, stores) == made


def test_each_job_has_a_manifest_of_what_it_must_do(plan, put, stores):
    put("source", "a", "b ü/ö", "c%2F")
    put("downsample", "a")
    put("energy", "a", "c%2F")
    made = plan(items=["a", "b ü/ö", "c%2F", "nowhere"], targets=["energy"], force=["energy"])
    assert manifest(made, stores, "downsample") == [{"item": "b ü/ö"}, {"item": "c%2F"}]
    assert manifest(made, stores, "energy") == [
        {"item": "a", "force": True},
        {"item": "b ü/ö"},
        {"item": "c%2F", "force": True},
    ]


def test_one_item_is_found_in_the_cells_without_reading_all(plan, put, stores):
    put("source", *(f"{n:05d}" for n in range(300)))
    put("downsample", "00007")
    made = plan(prefix="00", targets=["beat_tracking"])
    store = stores.for_uri(made.layout.cells)
    cells = read_item(store, made.layout.cells, "00007")
    assert [(c.job, c.action, c.reason) for c in cells] == [
        ("downsample", "skip", "present"),
        ("beat_tracking", "run", "missing"),
    ]
    assert read_item(store, made.layout.cells, "not in it") == []


def test_the_cells_of_one_job_are_read_alone(plan, put, stores):
    put("source", "a", "b")
    put("downsample", "b")
    made = plan(items=["a", "b"], targets=["beat_tracking"])
    cells = read_job_cells(stores.for_uri(made.layout.cells), made.layout.cells, "downsample")
    assert cells.items.to_pylist() == ["a", "b"]
    assert cells.mask("run").tolist() == [True, False]


def test_rejected_lines_are_kept_with_their_reason_and_count_as_blocked(plan, put, stores):
    put("source", "a")
    made = plan(items=["a", "a", "../b", "c\nd"], targets=["loudness"])
    assert (made.items, made.duplicates, made.rejected) == (1, 1, 2)
    assert made.counts == {"loudness": {"run": 1, "present": 0, "blocked": 2}}
    lines = stores.for_uri(made.layout.rejected).read(made.layout.rejected).decode().splitlines()
    assert [json.loads(line)["value"] for line in lines] == ["../b", "c\nd"]


def test_a_plan_in_place_of_another_leaves_none_of_its_manifests(plan, put, stores, store):
    put("source", "a", "b")
    made = plan(items=["a"], targets=["energy"])
    report = f"{made.layout.job('energy').report}/part-0.jsonl"
    store.write(report, b"")

    plan(items=["b"], targets=["loudness"])

    assert manifest(made, stores, "loudness") == [{"item": "b"}]
    left = [uri for found in store.list_uris(f"{made.layout.uri}/jobs/") for uri in found]
    assert left == [report, made.layout.job("loudness").planned], "what was done stays told of"


def test_a_plan_that_nobody_will_do_is_forgotten_also_when_it_is_not_whole(plan, put, stores, store):
    put("source", "a")
    made = plan(items=["a", "../x"], targets=["energy"])
    store.delete(made.layout.plan)

    forget_plan(made.layout, stores)

    assert [*store.list_uris(f"{made.layout.uri}/")] == []
    forget_plan(made.layout, stores)


def test_a_selection_with_nothing_in_it_is_an_error(plan):
    with pytest.raises(SelectionError):
        plan(prefix="nothing/", targets=["loudness"])


def test_a_plan_that_is_not_there_says_what_to_do(stores):
    with pytest.raises(PlanError, match="run the plan task first"):
        open_plan("memory://bucket/artifacts/_runs/none", stores)


def test_a_plan_does_not_change_when_the_registry_does(plan, put, graph, stores):
    put("source", "a")
    made = plan(items=["a"], targets=["loudness"])
    assert open_plan(made.layout.uri, stores).graph == graph
