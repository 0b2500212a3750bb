"""What a run tells of: the items that it was to make and that are there."""

from __future__ import annotations

import json

from airflow_media_provider.runs.look import look_again
from airflow_media_provider.runs.made import completions, write_made


def items_of(made, store) -> list[str]:
    return [json.loads(line)["item"] for line in store.read(made.uri).decode().splitlines()]


def report(plan, store, *rows: tuple[str, str]) -> None:
    lines = [json.dumps({"item": item, "job": "downsample", "status": status}) for item, status in rows]
    store.write(f"{plan.layout.job('downsample').report}/part-0.jsonl", "\n".join(lines).encode())


def test_what_was_done_or_found_is_told_and_what_failed_or_lacks_a_source_is_not(put, plan, store, stores):
    put("source", "a", "b", "c", "d")
    planned = plan(items=["a", "b", "c", "d"], targets=["downsample"])
    store.delete("memory://bucket/songs/d.ogg")
    manifest = look_again(planned, "downsample", stores)
    report(planned, store, ("a", "done"), ("b", "present"), ("c", "failed"))
    made = write_made(planned, manifest, stores)
    assert (items_of(made, store), made.items) == (["a", "b"], 2)
    told = list(completions(planned, "downsample", made, stores))
    assert [message.item for message in told] == ["a", "b"]
    assert told[0].artifact.endswith("/a.flac")
    assert told[0].attributes()["job"] == "downsample"


def test_what_another_run_has_made_meanwhile_is_told_too(put, plan, stores, store):
    put("source", "a", "b")
    planned = plan(items=["a", "b"], targets=["downsample"])
    put("downsample", "a", "b")
    manifest = look_again(planned, "downsample", stores)
    assert manifest.run == 0
    assert items_of(write_made(planned, manifest, stores), store) == ["a", "b"]


def test_a_run_that_is_run_again_does_not_change_the_list_that_was_told(put, plan, stores, store):
    put("source", "a", "b")
    first = plan(items=["a", "b"], targets=["downsample"])
    put("downsample", "a", "b")
    told = write_made(first, look_again(first, "downsample", stores), stores)
    again = plan(items=["a", "b"], targets=["downsample"])
    assert write_made(again, look_again(again, "downsample", stores), stores).items == 0
    assert items_of(told, store) == ["a", "b"]
