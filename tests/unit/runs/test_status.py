from __future__ import annotations

import json

import pytest

from airflow_media_provider.errors import SelectionError
from airflow_media_provider.runs.request import parse_request
from airflow_media_provider.runs.status import coverage, item_of, job_coverage, why
from beam_jobs.contract.errors import InvalidItemId
from beam_jobs.contract.report import ReportRow, Status, encode_report_row


def test_coverage_counts_each_job_and_the_items_without_a_source(graph, put, stores):
    put("source", "a", "b")
    put("downsample", "a", "c")
    sourceless, rows = coverage(graph, parse_request({"items": ["a", "b", "c"]}), stores)
    assert sourceless == 1
    assert {row.job: (row.items, row.present, row.missing) for row in rows} == {
        "downsample": (3, 2, 1), "loudness": (3, 0, 3), "beat_tracking": (3, 0, 3), "energy": (3, 0, 3),
    }  # fmt: skip


def test_coverage_of_one_job(graph, put, stores):
    put("loudness", "a")
    request = parse_request({"items": ["a", "b"], "targets": ["loudness"]})
    assert job_coverage(graph, request, stores) == {"items": 2, "present": 1, "coverage": 0.5}


def test_why_tells_what_exists_what_would_happen_and_what_happened(graph, plan, put, store, stores):
    put("source", "a/ü", "a")
    put("downsample", "a/ü")
    made = plan(items=["a/ü", "a"], targets=["beat_tracking"])
    rows = [
        ReportRow(item=item, job="beat_tracking", status=Status.FAILED, stage="step", message=f"bad {item}")
        for item in ("a", "a/ü")
    ]
    part = f"{made.layout.job('beat_tracking').report}/part-0.jsonl"
    store.write(part, "".join(encode_report_row(row) + "\n" for row in rows).encode())
    known = {entry.job: entry for entry in why(graph, "a/ü", stores)}
    assert known["downsample"].exists
    assert (known["downsample"].action, known["downsample"].reason) == ("skip", "present")
    assert (known["energy"].action, known["energy"].reason) == ("run", "missing")
    ((run, row),) = known["beat_tracking"].reports
    assert (run, row.message) == ("run", "bad a/ü")


def test_an_item_is_named_by_id_or_by_the_uri_of_its_source(graph, stores):
    assert item_of(graph, "x/y", stores) == "x/y"
    assert item_of(graph, "memory://bucket/songs/x/y.ogg", stores) == "x/y"
    with pytest.raises(SelectionError, match=r"'\.\.'"):
        item_of(graph, "..", stores)
    with pytest.raises(InvalidItemId):
        why(graph, "..", stores)


def test_a_summary_is_json(plan, put, stores):
    put("source", "a")
    made = plan(items=["a"], targets=["loudness"])
    assert json.loads(stores.for_uri(made.layout.plan).read(made.layout.plan))["counts"] == made.counts
