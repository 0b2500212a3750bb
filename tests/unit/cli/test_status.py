"""``status`` and ``why``: what exists, and what is known of one item."""

from __future__ import annotations

import json


def test_status_counts_what_exists_per_job(media):
    media.make("downsample", "rock/a")
    media.make("downsample", "rock/b")
    media.make("loudness", "rock/b")
    said = media("status", "-p", "rock/", "-o", "json")
    jobs = json.loads(said.out)["jobs"]
    assert said.code == 0
    assert jobs["downsample"] == {"items": 2, "present": 2, "stale": 0, "missing": 0, "coverage": 1.0}
    assert jobs["loudness"] == {"items": 2, "present": 1, "stale": 0, "missing": 1, "coverage": 0.5}
    assert jobs["energy"]["coverage"] == 0


def test_an_artifact_of_other_params_is_stale(media):
    media.make("downsample", "rock/a")
    text = media.registry.read_text().replace("step: downsample,", "step: downsample, params: {channels: 2},")
    media.registry.write_text(text)
    said = media("status", "-p", "rock/", "-t", "downsample", "-o", "json")
    assert json.loads(said.out)["jobs"] == {
        "downsample": {"items": 2, "present": 0, "stale": 1, "missing": 1, "coverage": 0.0}
    }


def test_status_names_items_without_a_song(media):
    said = media("status", "-i", "rock/a", "nosong")
    assert "1 items have no source file" in said.err


def test_why_tells_what_exists_and_what_would_happen(media):
    media.make("downsample", "rock/a")
    jobs = json.loads(media("why", "rock/a", "-o", "json").out)["jobs"]
    assert jobs["downsample"]["exists"]
    assert (jobs["downsample"]["action"], jobs["downsample"]["reason"]) == ("skip", "present")
    assert (jobs["energy"]["action"], jobs["energy"]["reason"]) == ("run", "missing")
    assert jobs["energy"]["uri"].endswith("/rock/a.json")
    assert jobs["energy"]["reports"] == []


def test_why_shows_what_a_stream_reported(media):
    part = media.folder / "artifacts/_streams/media-stream-x-downsample/report/part-1.jsonl"
    part.parent.mkdir(parents=True)
    row = {"item": "rock/a", "job": "downsample", "status": "failed", "stage": "decode", "message": "no song"}
    part.write_text(json.dumps(row, separators=(",", ":")) + "\n")
    (report,) = json.loads(media("why", "rock/a", "-o", "json").out)["jobs"]["downsample"]["reports"]
    assert (report["run"], report["status"], report["message"]) == (
        "media-stream-x-downsample", "failed", "no song"
    )  # fmt: skip
    assert "failed decode no song (media-stream-x-downsample)" in media("why", "rock/a", "-o", "plain").out


def test_why_takes_the_address_of_a_song(media):
    said = media("why", f"file://{media.folder}/songs/rock/a.ogg", "-o", "json")
    assert json.loads(said.out)["item"] == "rock/a"


def test_why_refuses_what_can_be_no_item(media):
    said = media("why", "../up")
    assert said.code == 2
    assert said.err.startswith("error: item '../up' has the path segment '..'")
    assert said.err.count("\n") == 1
