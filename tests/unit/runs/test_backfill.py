"""What a backfill's runs are called, which slices it has, and what it leaves out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from itertools import chain, repeat
from types import SimpleNamespace

import pytest

from airflow_media_provider.errors import PlanError
from airflow_media_provider.registry import media_registry
from airflow_media_provider.registry.partitions import Partitions
from airflow_media_provider.runs.backfill import open_backfill, partition_slices
from airflow_media_provider.runs.backfill_failed import forget_failed, note_failed
from airflow_media_provider.runs.backfill_list import list_slices
from airflow_media_provider.runs.backfill_preview import preview, preview_list, preview_shards
from airflow_media_provider.runs.leave_out import read_rows
from airflow_media_provider.runs.plan import select_items
from airflow_media_provider.runs.request import PlanRequest
from airflow_media_provider.storage import memory
from beam_jobs.contract.report import ReportRow, Status, encode_report_row

from .conftest import JOBS

NAMED = Partitions(by="prefix", keys=("rock", "ambient", "jazz"), select="{partition}/")
SAME = {"dag_id": "songs", "targets": ("energy",), "mode": "bottom-up", "items_uri": None}


@pytest.fixture
def named(graph):
    return replace(graph, partitions=NAMED)


class TestItsName:
    def test_is_the_same_for_the_same_question(self, named):
        assert open_backfill(named, **SAME) == open_backfill(named, **SAME)
        assert open_backfill(named, **SAME).run_id("rock").startswith("media_backfill__")

    def test_does_not_change_with_partitions_that_are_added(self, graph, named):
        more = replace(graph, partitions=replace(NAMED, keys=(*NAMED.keys, "soul")))
        assert open_backfill(more, **SAME).identity == open_backfill(named, **SAME).identity

    @pytest.mark.parametrize(
        "other",
        [{"dag_id": "x"}, {"targets": ("loudness",)}, {"mode": "only"}, {"items_uri": "/l.txt"}],
        ids=["dag", "targets", "mode", "list"],
    )
    def test_changes_with_what_is_asked(self, named, other):
        assert open_backfill(named, **SAME).identity != open_backfill(named, **{**SAME, **other}).identity

    def test_changes_with_the_step_of_a_job_on_the_line(self, graph):
        def named_after(**loudness):
            jobs = {**JOBS, "loudness": {**JOBS["loudness"], **loudness}}
            made = media_registry(root=graph.root, source=graph.source, jobs=jobs)
            return [
                open_backfill(made, **{**SAME, "targets": targets}).identity
                for targets in (("energy",), ("loudness",))
            ]

        before, after = named_after(), named_after(params={"curve_step_s": 2.0})
        assert before[0] == after[0], "another job's params are nothing to this line"
        assert before[1] != after[1]


class TestSlicesOfPartitions:
    @pytest.mark.parametrize(
        ("order", "expected"),
        [("registry", ["rock", "ambient", "jazz"]), ("name", ["ambient", "jazz", "rock"])],
    )
    def test_have_an_order(self, named, stores, order, expected):
        assert [part.key for part in partition_slices(named, "all", stores, order=order)] == expected

    def test_of_dates_can_begin_with_the_newest(self, graph, stores):
        dated = replace(
            graph, partitions=Partitions(by="date", start=date(2026, 1, 1), select="{partition}/")
        )
        wanted = "2026-01-01..2026-01-03"
        found = [part.key for part in partition_slices(dated, wanted, stores, order="newest")]
        assert found == ["2026-01-03", "2026-01-02", "2026-01-01"]

    def test_have_no_age_when_they_are_names(self, named, stores):
        with pytest.raises(PlanError, match="partitions by prefix have no date"):
            partition_slices(named, "all", stores, order="newest")

    def test_are_planned_with_what_they_have_to_do(self, named, stores, put):
        put("source", "rock/a", "rock/b", "jazz/c")
        put("downsample", "rock/a")
        backfill = open_backfill(named, **SAME)
        (rock,) = partition_slices(named, "rock", stores, order="registry")
        found = preview(backfill, rock, stores)
        assert found.items == 2
        assert found.counts["downsample"] == {"run": 1, "present": 1, "blocked": 0}

    def test_of_shards_are_counted_together_as_they_would_be_alone(self, graph, store, stores, put):
        items = [f"rock/{number}" for number in range(50)]
        put("source", *items)
        put("downsample", *items[:20])
        store.write(
            "memory://bucket/list.txt", "".join(f"{item}\n" for item in (*items, "../x", "gone")).encode()
        )
        shards = replace(graph, partitions=Partitions(by="hash", count=5))
        backfill = open_backfill(shards, **SAME)
        for more in (None, "memory://bucket/list.txt"):
            slices = partition_slices(
                shards, "shard-001..shard-003", stores, order="registry", items_uri=more
            )
            together = preview_shards(backfill, slices, stores)
            assert together == {part.key: preview(backfill, part, stores) for part in slices}


class TestSlicesOfAList:
    @pytest.fixture
    def cut(self, graph, stores, store):
        def cut(text, *, size=2, order="name"):
            store.write("memory://bucket/list.jsonl", text.encode())
            request = PlanRequest(items_uri="memory://bucket/list.jsonl")
            selection = select_items(graph, request, stores)
            return list(
                list_slices(graph, selection, stores, size=size, order=order, folder="memory://bucket/lists")
            )

        return cut

    def test_hold_each_item_once_with_what_its_row_says(self, cut):
        found = cut('"b"\n{"item": "a", "force": ["energy", "loudness"]}\n"c"\n"b"\n')
        rows = [[json.loads(line) for line in text.splitlines()] for _, text in found]
        assert rows == [
            [{"item": "a", "force": ["energy", "loudness"]}, {"item": "b"}],
            [{"item": "c"}],
        ]

    def test_are_named_after_what_is_in_them(self, cut):
        first, second = (
            [part.key for part, _ in cut(text)] for text in ('"a"\n"b"\n"c"\n', '"a"\n"b"\n"d"\n')
        )
        assert first[0] == second[0]
        assert first[1] != second[1]

    def test_are_counted_together_as_they_would_be_alone(self, graph, cut, put, store, stores):
        put("source", "a", "b", "c")
        put("downsample", "b")
        backfill = open_backfill(graph, **{**SAME, "items_uri": "memory://bucket/list.jsonl"})
        made = cut('"a"\n"b"\n"c"\n"gone"\n{"item": "e", "force": true}\n')
        for part, text in made:
            store.write(part.select["items_uri"], text)
        together = preview_list(
            backfill,
            "memory://bucket/list.jsonl",
            {part.key: text for part, text in made},
            stores,
            leave_out=None,
        )
        assert together == {part.key: preview(backfill, part, stores) for part, _ in made}

    def test_can_begin_with_the_newest_files(self, cut, store, put, monkeypatch):
        times = chain([30.0, 10.0, 20.0], repeat(40.0))
        monkeypatch.setattr(memory, "time", SimpleNamespace(time=lambda: next(times)))
        put("source", "a", "b", "c")
        rows = '"a"\n"b"\n"c"\n"without a file"\n'
        newest, oldest = (
            [
                json.loads(line)["item"]
                for _, text in cut(rows, size=9, order=order)
                for line in text.splitlines()
            ]
            for order in ("newest", "oldest")
        )
        assert newest == ["a", "c", "b", "without a file"]
        assert oldest == ["b", "c", "a", "without a file"]


class TestWhatFailed:
    def report(self, backfill, key, store, *rows):
        job = backfill.layout(backfill.run_id(key)).job("loudness")
        lines = [
            encode_report_row(ReportRow(item=item, job="loudness", status=status)) for item, status in rows
        ]
        store.write(f"{job.report}/part-0.jsonl", "".join(f"{line}\n" for line in lines).encode())
        failed = sum(status == Status.FAILED for _, status in rows)
        store.write(job.outcome, json.dumps({"counts": {"failed": failed}}).encode())

    def test_is_read_from_the_reports_of_its_runs_and_of_no_others(self, named, store, stores):
        backfill = open_backfill(named, **SAME)
        self.report(backfill, "rock", store, ("rock/a", Status.FAILED), ("rock/b", Status.DONE))
        self.report(backfill, "jazz", store, ("jazz/a", Status.DONE))
        other = open_backfill(named, **{**SAME, "targets": ("loudness",)})
        self.report(other, "jazz", store, ("jazz/z", Status.FAILED))
        row = {"job": "loudness", "item": "rock/a", "run": backfill.run_id("rock")}
        assert note_failed(backfill, stores) == [row]
        assert read_rows(backfill.left_out, stores) == [row]

    def test_stays_noted_when_a_run_has_left_it_out(self, named, store, stores):
        backfill = open_backfill(named, **SAME)
        self.report(backfill, "R&B", store, ("rock/a", Status.FAILED))
        note_failed(backfill, stores)
        self.report(backfill, "R&B", store, ("rock/c", Status.DONE))
        assert [row["item"] for row in note_failed(backfill, stores)] == ["rock/a"]

    def test_is_forgotten_when_it_shall_be_tried_again(self, named, store, stores):
        backfill = open_backfill(named, **SAME)
        self.report(backfill, "rock", store, ("rock/a", Status.FAILED))
        assert [row["run"] for row in forget_failed(backfill, stores)] == [backfill.run_id("rock")]
        assert read_rows(backfill.left_out, stores) == []
