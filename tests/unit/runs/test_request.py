"""What may be asked for, and what a request leaves to the graph."""

from __future__ import annotations

import re

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
    named = safe_run_id("manual__2026-01-02T03:04:05+00:00")
    assert named.startswith("manual__2026-01-02T03-04-05-00-00-")
    assert safe_run_id("../../etc").startswith("etc-")
    assert safe_run_id("///").startswith("run-")
    assert safe_run_id("").startswith("run-")
    for text in ("x", "songs.plan.media_backfill__0a1b2c3d__2026-01-02", "x" * 200, named):
        assert safe_run_id(text) == text, "what is safe stays as it is"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a:b", "a+b"),
        ("a:b", "a-b"),
        ("ü", "é"),
        (f"{'d' * 250}.1", f"{'d' * 250}.2"),
        ("x" * 200, "x" * 201),
    ],
)
def test_two_runs_never_share_a_folder_and_its_name_stays_short(one, other):
    names = {safe_run_id(one), safe_run_id(other)}
    assert len(names) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9._=-]{1,200}", name) for name in names)


def test_a_run_lives_under_the_root():
    layout = RunLayout.of("file:///r/", "x")
    assert layout.plan == "file:///r/_runs/x/plan.json"
    assert layout.job("a").todo == "file:///r/_runs/x/jobs/a/todo.jsonl"
