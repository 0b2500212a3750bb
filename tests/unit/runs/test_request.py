"""What may be asked for, and what a request leaves to the graph."""

from __future__ import annotations

import pytest

from airflow_media_provider.errors import PlanError
from airflow_media_provider.registry.model import Job, JobGraph
from airflow_media_provider.runs.layout import RunLayout, safe_run_id
from airflow_media_provider.runs.request import parse_request


def graph(*, forced: str = "") -> JobGraph:
    needs = {
        "downsample": ("source",),
        "beat_tracking": ("downsample",),
        "energy": ("downsample", "beat_tracking"),
        "loudness": ("source",),
    }
    jobs = {name: Job(name=name, step=name, needs=n, force=name == forced) for name, n in needs.items()}
    return JobGraph(name="g", root="file:///r", source="file:///s/{item}.ogg", jobs=jobs)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({}, "none of them"),
        ({"items": ["a"], "prefix": "x/"}, "items and prefix"),
        ({"items": ["", "  "], "items_uri": " "}, "none of them"),
        ({"items": ["a"], "mode": "sideways"}, "mode"),
        ({"items": ["a"], "limit": 0}, "limit"),
        ({"items": ["a"], "target": ["x"]}, "target"),
    ],
)
def test_a_request_that_cannot_be_meant_names_what_is_wrong(values, named):
    with pytest.raises(PlanError, match=named):
        parse_request(values)


def test_blank_lines_of_a_form_are_no_items():
    assert parse_request({"items": ["a", "", " \t", "b"], "prefix": "", "items_uri": None}).items == (
        "a",
        "b",
    )


def test_without_targets_bottom_up_means_the_ends_of_the_graph():
    assert parse_request({"items": ["a"]}).query(graph()).targets == ("loudness", "energy")


def test_without_targets_top_down_means_the_jobs_that_read_the_source():
    query = parse_request({"items": ["a"], "mode": "top-down"}).query(graph())
    assert set(query.targets) == {"downsample", "loudness"}


def test_mode_only_wants_a_target():
    with pytest.raises(PlanError, match="needs a target"):
        parse_request({"items": ["a"], "mode": "only"}).query(graph())


def test_a_misspelt_target_is_told_the_nearest_job():
    with pytest.raises(PlanError, match="beat_tracking"):
        parse_request({"items": ["a"], "targets": ["beat_traking"]}).query(graph())


def test_a_jobs_own_force_counts_only_where_the_mode_reaches_it():
    forced = graph(forced="beat_tracking")
    assert parse_request({"items": ["a"], "targets": ["energy"]}).query(forced).force == {"beat_tracking"}
    assert parse_request({"items": ["a"], "targets": ["loudness"]}).query(forced).force == frozenset()


def test_run_ids_of_airflow_become_one_path_segment_without_pattern_characters():
    assert safe_run_id("manual__2026-01-02T03:04:05+00:00") == "manual__2026-01-02T03-04-05-00-00"
    assert safe_run_id("../../etc") == "etc"
    assert safe_run_id("///") == "run"


def test_a_run_lives_under_the_root():
    layout = RunLayout.of("file:///r/", "x")
    assert layout.plan == "file:///r/_runs/x/plan.json"
    assert layout.job("a").todo == "file:///r/_runs/x/jobs/a/todo.jsonl"
