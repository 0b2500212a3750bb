"""``stream``: how one is, and what ends it; the one that serves is in tests/airflow."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.mark.parametrize("action", ["status", "drain", "stop"])
def test_only_a_start_needs_a_subscription(media, action):
    said = media("stream", action, "energy")
    assert (said.code, said.err) == (0, "")
    assert "absent" in said.out


def test_a_start_without_a_subscription_says_how_to_name_one(media):
    said = media("stream", "start", "energy")
    assert said.code == 2
    assert said.err.startswith("error: stream of 'energy': no subscription; give one")


def say(media: Any, **facts: Any) -> None:
    """Leave the state of a stream of ``energy``."""
    name = json.loads(media("stream", "status", "energy", "-o", "json").out)["name"]
    home = media.folder / "artifacts/_streams" / name
    home.mkdir(parents=True)
    said = {"started": 1_700_000_000.0, "updated": 1_700_000_060.0, "messages": 9, **facts}
    (home / "state.json").write_text(json.dumps(said))


def test_status_shows_what_went_wrong_and_since_when_it_counts(media):
    rows = {"done": 3, "failed": 1, "pinged": 2}
    say(media, state="failed", rows=rows, dead=4, ignored=5, given_back=6, trouble="404 gone")
    said = media("stream", "status", "energy", "-o", "plain")
    head, line = said.out.splitlines()
    assert said.code == 0, "it answered, whatever the answer is"
    shown = dict(zip(head.replace("given back", "given_back").split(), line.split(), strict=True))
    shown.pop("name")
    assert shown == {
        "state": "failed", "since": "2023-11-14T22:13:20Z", "messages": "9", "done": "3", "present": "0",
        "failed": "1", "blocked": "0", "pinged": "2", "ignored": "5", "dead": "4", "given_back": "6",
    }  # fmt: skip
    assert said.err == "last trouble: 404 gone\n"


def test_status_says_since_when_a_stream_is_silent_and_what_to_do(media):
    say(media, state="running")
    said = media("stream", "status", "energy")
    assert (said.code, "silent" in said.out) == (0, True)
    assert "has said nothing since 2023-11-14T22:14:20Z" in said.err
    assert "start it again" in said.err


def test_a_stream_that_ended_before_it_was_drained_is_no_failure_of_the_command(media):
    say(media, state="failed", trouble="404 gone")
    said = media("stream", "drain", "energy", "-o", "json")
    assert (said.code, json.loads(said.out)["state"], said.err) == (0, "failed", "")


@pytest.mark.parametrize(("ends_as", "code"), [("drained", 0), ("failed", 1), ("running", 1)])
def test_a_drain_fails_when_the_stream_does_not_end_by_it(media, monkeypatch, ends_as, code):
    from airflow_media_provider.runs import streams

    say(media, state="running", updated=4e9)
    monkeypatch.setattr(
        streams, "wait_for_end",
        lambda spec, stores, patience: streams.StreamState(name=spec.name, state=ends_as, said={}),
    )  # fmt: skip
    said = media("stream", "drain", "energy")
    assert (said.code, ends_as in said.out) == (code, True)
