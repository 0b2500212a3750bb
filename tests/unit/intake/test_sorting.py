"""Which messages ask for work, and what becomes of the others."""

# ruff: noqa: E501 - a table reads best with one case a line
from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_media_provider.intake.sorting import Received, Sorter
from beam_jobs.contract.address import Address
from beam_jobs.contract.item import item_id_fault
from beam_jobs.contract.ours import made_here

JOBS = ("downsample", "energy")
SORTER = Sorter(
    source=Address.parse("gs://up/songs/{item}.ogg"),
    ours=made_here("gs://up/media", JOBS, ["gs://up/songs/derived/{item}.ogg"]),
    jobs=JOBS,
)


def notice(bucket: str, name: str, event: str = "OBJECT_FINALIZE") -> dict[str, str]:
    return {"eventType": event, "bucketId": bucket, "objectId": name, "payloadFormat": "JSON_API_V1"}


def sort(data: bytes, attributes: dict[str, str] | None = None):
    return SORTER.sort([Received(message_id="7", ack_id="x", data=data, attributes=attributes or {})])


ROWS = {
    "a bare id": (b"a/b", {}, [{"item": "a/b"}]),
    "a line with its end": (b"a/b\n", {}, [{"item": "a/b"}]),
    "a URI of the source": (b"gs://up/songs/a/b.ogg", {}, [{"item": "a/b"}]),
    "JSON": (b'{"item": "a"}', {}, [{"item": "a"}]),
    "JSON with everything": (
        b'{"item": "a", "force": true, "ping": true, "targets": ["energy"], "mode": "top-down"}', {},
        [{"item": "a", "force": True, "ping": True, "request": {"targets": ["energy"], "mode": "top-down"}}],
    ),
    "one target as text": (
        b'{"item": "a", "targets": "energy"}', {}, [{"item": "a", "request": {"targets": ["energy"]}}],
    ),
    "jobs to force": (b'{"item": "a", "force": ["energy"]}', {}, [{"item": "a", "force": ["energy"]}]),
    "several items": (b'{"items": ["a", "b"]}', {}, [{"item": "a"}, {"item": "b"}]),
    "an upload": (b"{}", notice("up", "songs/a b.ogg"), [{"item": "a b"}]),
    "an upload whose name has a percent": (b"{}", notice("up", "songs/a%2Fb.ogg"), [{"item": "a%2Fb"}]),
    "an upload told without attributes": (
        b'{"kind": "storage#object", "bucket": "up", "name": "songs/a.ogg"}', {}, [{"item": "a"}],
    ),
    "an upload elsewhere": (b"{}", notice("other", "songs/a.ogg"), []),
    "an upload that is no song": (b"{}", notice("up", "songs/a.txt"), []),
    "a deletion": (b"{}", notice("up", "songs/a.ogg", "OBJECT_DELETE"), []),
    "a folder's placeholder": (b"{}", notice("up", "songs/"), []),
    "an artifact of ours": (b"{}", notice("up", "media/energy/f/a.json"), []),
    "an artifact among the songs": (b"{}", notice("up", "songs/derived/a.ogg"), []),
}  # fmt: skip


@pytest.mark.parametrize("what", ROWS)
def test_a_message_becomes_rows(what):
    data, attributes, rows = ROWS[what]
    found = sort(data, attributes)
    assert found.rows == [{**row, "message": "7"} for row in rows]
    assert not found.dead
    assert found.ignored == (not rows)


DEAD = {
    "nothing": (b"", "the message is empty"),
    "no UTF-8": (b"\xff", "the message is not UTF-8"),
    "half of JSON": (b'{"item": "a', "the message starts as JSON and is none"),
    "JSON without an item": (b"{}", "the message names no item"),
    "a word too much": (b'{"item": "a", "forse": true}', "key 'forse' is not known; did you mean 'force'; a message"),
    "a word that is like none": (b'{"item": "a", "\\ud800": 1}', r"key '\ud800' is not known; use item, items, force"),
    "items that are no list": (b'{"items": 3}', "items: 3 is not a list of ids; a message is"),
    "an item among several that is no text": (b'{"items": ["a", 3]}', "items: ['a', 3] is not a list of ids; a message"),
    "a force that is none": (b'{"item": "a", "force": 7}', 'force: 7 is not true, false, "all" or names of jobs; a message'),
    "half a letter": (b'{"item": "\\ud800"}', r"item id '\ud800': is not valid Unicode"),
    "an unknown mode": (b'{"item": "a", "mode": "sideways"}', "mode: 'sideways' is not bottom-up, top-down or only; a message is"),
    "an unknown target": (
        b'{"item": "a", "targets": ["enery"]}',
        "targets names 'enery', which is no job here; did you mean 'energy'?",
    ),
    "an unknown job to force": (
        b'{"item": "a", "force": "enery"}', "force names 'enery', which is no job here",
    ),
    "a way up": (b"../a", "item id '../a': has the path segment '..'"),
    "a URI elsewhere": (b"gs://up/other/a.ogg", "'gs://up/other/a.ogg' is not a file of the source"),
    "one bad among several": (b'{"items": ["a", ".."]}', "item id '..'"),
    "an item that is no text": (b'{"item": 3}', "item: 3 is not an id as text; a message is"),
}  # fmt: skip


@pytest.mark.parametrize("what", DEAD)
def test_a_message_that_cannot_be_understood_is_dead_with_a_reason(what):
    data, reason = DEAD[what]
    found = sort(data)
    assert not found.rows
    assert found.dead[0]["reason"].startswith(reason)
    assert found.dead[0]["message_id"] == "7"


def test_deeply_nested_json_is_dead():
    assert "starts as JSON" in sort(b'{"a":' * 100_000).dead[0]["reason"]


KEYS = st.sampled_from(["item", "items", "force", "ping", "targets", "mode", "kind", "x"])
PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
DOCUMENTS = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
)


@given(
    st.one_of(
        st.binary(max_size=60),
        st.text(max_size=30).map(str.encode),
        DOCUMENTS.map(lambda value: json.dumps(value).encode()),
    )
)
def test_whatever_comes_is_a_row_of_a_sound_id_or_dead_or_ignored(data):
    found = sort(data)
    assert bool(found.rows) + bool(found.dead) + found.ignored == 1
    assert all(item_id_fault(row["item"]) is None for row in found.rows)
    json.dumps(found.dead)
