"""The second look: what is left when a job is about to start."""

from __future__ import annotations

import json
import time

import pytest

from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.look import look_again
from airflow_media_provider.runs.rows import report_rows


def todo(manifest, stores):
    return [
        json.loads(line) for line in stores.for_uri(manifest.uri).read(manifest.uri).decode().splitlines()
    ]


def counts(manifest):
    return manifest.run, manifest.present, manifest.blocked


def test_what_was_made_since_the_plan_is_present(plan, put, stores):
    put("source", "a", "b")
    made = plan(items=["a", "b"], targets=["loudness"])
    put("loudness", "a")
    manifest = look_again(made, "loudness", stores)
    assert counts(manifest) == (1, 1, 0)
    assert todo(manifest, stores) == [{"item": "b"}]


def test_an_item_whose_parent_failed_is_blocked_with_a_row(plan, put, stores):
    put("source", "a", "b")
    made = plan(items=["a", "b"], targets=["beat_tracking"])
    put("downsample", "b")
    manifest = look_again(made, "beat_tracking", stores)
    assert counts(manifest) == (1, 0, 1)
    (row,) = report_rows(made.layout.job("beat_tracking"), stores)
    assert (row.item, row.status) == ("a", "blocked")
    assert row.message.startswith("parent-failed")
    assert "downsample" in row.message


def test_an_item_whose_source_went_away_is_blocked_for_that_reason(plan, put, store, stores):
    put("source", "a")
    made = plan(items=["a"], targets=["loudness"])
    store.delete("memory://bucket/songs/a.ogg")
    manifest = look_again(made, "loudness", stores)
    assert counts(manifest) == (0, 0, 1)
    (row,) = report_rows(made.layout.job("loudness"), stores)
    assert row.message.startswith("source-missing")


def test_every_item_is_in_one_of_the_three_counts(plan, put, stores):
    put("source", "a", "b", "c", "d")
    put("downsample", "a")
    made = plan(items=["a", "b", "c", "d", "nowhere", ".."], targets=["downsample"])
    put("downsample", "b")
    assert counts(look_again(made, "downsample", stores)) == (2, 2, 2)


def test_a_forced_artifact_is_made_again_until_this_run_has_made_it(plan, put, stores):
    put("source", "a", "b")
    put("loudness", "a", "b")
    time.sleep(0.01)
    made = plan(items=["a", "b"], targets=["loudness"], force=["loudness"])
    assert counts(look_again(made, "loudness", stores)) == (2, 0, 0)
    time.sleep(0.01)
    put("loudness", "a")  # a try that was killed after its first item
    again = look_again(made, "loudness", stores)
    assert counts(again) == (1, 1, 0)
    assert todo(again, stores) == [{"item": "b", "force": True}]


def test_a_ping_looks_at_nothing(plan, put, stores):
    put("source", "a")
    made = plan(items=["a"], targets=["energy"], ping=True)
    assert counts(look_again(made, "energy", stores)) == (1, 0, 0)


def test_a_look_can_be_repeated(plan, put, stores):
    put("source", "a", "b")
    made = plan(items=["a", "b"], targets=["beat_tracking"])
    put("downsample", "a")
    first = look_again(made, "beat_tracking", stores)
    put("downsample", "b")
    second = look_again(made, "beat_tracking", stores)
    assert (counts(first), counts(second)) == ((1, 0, 1), (2, 0, 0))
    assert not list(report_rows(made.layout.job("beat_tracking"), stores))


@pytest.mark.parametrize("job", ["downsample", "beat_tracking", "energy"])
def test_nothing_is_left_when_all_is_there(plan, put, graph, stores, job):
    put("source", "a")
    made = plan(items=["a"], targets=["energy"])
    for name in recipe(graph, "energy").graph.ancestors(["energy"]):
        put(name, "a")
    assert counts(look_again(made, job, stores)) == (0, 1, 0)
