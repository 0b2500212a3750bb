from __future__ import annotations

import json
import time

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


def test_why_tells_what_streams_reported_last_by_the_streams_name(graph, put, store, stores):
    put("source", "new/corrupt", "new/corrupt too")

    def report(stream: str, stamp: str, *rows: ReportRow) -> None:
        part = f"{graph.root}/_streams/{stream}/report/part-{stamp}.jsonl"
        store.write(part, "".join(encode_report_row(row) + "\n" for row in rows).encode())
        time.sleep(0.01)  # parts are told apart by when they were written

    def row(item: str, job: str, status: Status, message: str = "") -> ReportRow:
        return ReportRow(item=item, job=job, status=status, message=message)

    report("s-energy", "1", row("new/corrupt", "downsample", Status.FAILED, "first"))
    report("s-loudness", "1", row("new/corrupt", "loudness", Status.DONE))
    report("s-energy", "2", row("new/corrupt", "downsample", Status.FAILED, "no song"))
    report("s-energy", "3", row("new/corrupt too", "downsample", Status.DONE))
    report("s-downsample", "1", row("new/corrupt", "downsample", Status.DONE))
    report("s-gone", "1", row("new/corrupt", "job of others", Status.DONE))
    known = {entry.job: entry.reports for entry in why(graph, "new/corrupt", stores)}
    assert [(name, row.status, row.message) for name, row in known["downsample"]] == [
        ("s-downsample", "done", ""), ("s-energy", "failed", "no song")
    ]  # fmt: skip
    assert [(name, row.status) for name, row in known["loudness"]] == [("s-loudness", "done")]
    assert not known["energy"]


def test_why_tells_runs_and_streams_in_the_order_of_time(graph, plan, put, store, stores):
    put("source", "a")
    failed = ReportRow(item="a", job="downsample", status=Status.FAILED, message="bad")
    lines = f"{encode_report_row(failed)}\n".encode()
    store.write(f"{graph.root}/_streams/older/report/part-1.jsonl", lines)
    time.sleep(0.01)
    made = plan(items=["a"], targets=["downsample"])
    store.write(f"{made.layout.job('downsample').report}/part-0.jsonl", lines)
    time.sleep(0.01)
    store.write(f"{graph.root}/_streams/newer/report/part-1.jsonl", lines)
    known = {entry.job: entry.reports for entry in why(graph, "a", stores)}
    assert [name for name, _ in known["downsample"]] == ["newer", "run", "older"]


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
