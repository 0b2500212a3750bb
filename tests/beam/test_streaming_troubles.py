"""A stream in trouble: one message or one topic takes nothing else with it, and it can be drained."""

from __future__ import annotations

import json
import threading
import time
import uuid
from pathlib import Path

import pytest

from tests.beam.streams import COUNT, Stream
from tests.peers.refusing import refusing_storage
from tests.waiting import wait_until

pytestmark = [pytest.mark.beam, pytest.mark.timeout(240)]


@pytest.fixture
def stream(cloud, tmp_path):
    made: list[Stream] = []

    def make(jobs=COUNT, *, target="count", **more) -> Stream:
        made.append(Stream(cloud, tmp_path, jobs, target=target, **more))
        return made[-1]

    yield make
    for one in made:
        one.kill()


def test_topics_that_are_not_there_cost_no_message(stream):
    served = stream(topics=())
    served.write(a="one", b="three")
    served.start()
    served.publish(b"a", b'{"item": 3}', b"b")
    wait_until(
        lambda: served.state().get("messages") == 3 and not served.state()["in_work"],
        what=served.log,
    )  # fmt: skip
    assert served.drain() == 0, served.log()

    assert served.outcomes() == [("a", "count", "done"), ("b", "count", "done")]
    (dead,) = served.rows("dead")
    assert dead["data"] == '{"item": 3}'
    untold = sorted((row["item"], row["topic"], row["reason"][:8]) for row in served.rows("untold"))
    assert untold == [("a", served.told, "NotFound"), ("b", served.told, "NotFound")]
    assert served.state()["state"] == "drained"
    assert not served.left(), "all are acknowledged"


def test_an_item_that_storage_refuses_is_failed_and_the_others_are_served(stream):
    served = stream()
    served.write(a="one", b="three", c="five")
    target = served.spec.line[-1].spec.output
    Path(target.removeprefix("file://").format(item="b")).mkdir(parents=True)  # where a file should be
    served.start()
    served.publish(b"a", b"b", b"c")
    served.wait_for_rows(3)
    assert served.drain() == 0, served.log()

    assert served.outcomes() == [("a", "count", "done"), ("b", "count", "failed"), ("c", "count", "done")]
    (failed,) = (row for row in served.rows() if row["status"] == "failed")
    assert (failed["error_class"], "'b'" in failed["message"]) == ("StorageError", True)
    assert not served.left()


def test_a_bucket_that_refuses_for_a_while_or_for_good_stops_no_stream(cloud, stream):
    bucket, away = cloud.storage().create_bucket(f"st-{uuid.uuid4().hex[:8]}"), threading.Event()
    for item in "abcde":
        bucket.blob(f"songs/{item}.txt").upload_from_string("text")

    def deny(method: str, path: str) -> bool | int:
        if away.is_set():
            return 503
        return "count" in path and path.rpartition("%2F")[2].startswith("b.json")

    with refusing_storage(cloud.gcs_url, deny) as url:
        served = stream(
            root=f"gs://{bucket.name}/media", source=f"gs://{bucket.name}/songs/{{item}}.txt",
            env={"STORAGE_EMULATOR_HOST": url},
        )  # fmt: skip
        served.start()
        served.publish(b"a", b"b", b"c")
        served.wait_for_rows(3)
        away.set()
        served.publish(b"d", b"e")
        time.sleep(5)
        away.clear()
        served.wait_for_rows(5)
        assert served.drain() == 0, served.log()

    ends = [(item, "count", "failed" if item == "b" else "done") for item in "abcde"]
    assert served.outcomes() == ends
    (failed,) = (row for row in served.rows() if row["status"] == "failed")
    assert (failed["error_class"], failed["stage"]) == ("StorageError", "plan")
    assert not served.left()


def test_while_no_report_can_be_written_messages_go_back_and_come_again(stream):
    served = stream()
    served.write(a="one", b="three")
    report = Path(served.spec.report.removeprefix("file://"))
    report.parent.mkdir(parents=True)
    report.write_text("in the way")
    served.start()
    served.publish(b"a", b"b")
    wait_until(lambda: served.state().get("given_back"), what=served.log)
    assert served.made("count") == ["a", "b"]
    assert "report" in served.state()["trouble"]
    report.unlink()
    served.wait_for_rows(2)
    assert served.drain() == 0, served.log()

    assert [(item, job) for item, job, _ in served.outcomes()] == [("a", "count"), ("b", "count")]
    assert served.state()["messages"] == 2
    assert not served.left()


def test_a_stream_that_cannot_report_can_be_drained(stream):
    served = stream()
    served.write(a="one")
    report = Path(served.spec.report.removeprefix("file://"))
    report.parent.mkdir(parents=True)
    report.write_text("in the way")
    served.start()
    served.publish(b"a")
    wait_until(lambda: served.state().get("given_back"), what=served.log)
    assert served.drain() == 0, served.log()
    assert served.state()["in_work"] == 0

    report.unlink()
    Path(served.spec.drain.removeprefix("file://")).unlink()
    served.start()
    served.wait_for_rows(1)
    assert served.outcomes() == [("a", "count", "present")], "the artifact is found, the message is not lost"


def test_a_stream_that_is_stopped_gives_back_at_once_what_it_has_in_work(stream):
    slow = {
        "mood": {"step": "tests.beam.steps_for_tests:mood", "needs": ["source"], "params": {"seconds": 60}}
    }
    served = stream(slow, target="mood")
    served.write(a="one", b="three", c="five", d="seven", e="nine")
    served.start()
    served.publish(b"a", b"b", b"c", b"d", b"e")
    wait_until(lambda: served.state().get("in_work") == 5, what=served.log)
    assert served.drain("now") == 0, served.log()

    assert served.state()["state"] == "stopped"
    assert served.rows() == []
    assert sorted(message.data for message in served.left(wanted=5)) == [b"a", b"b", b"c", b"d", b"e"]


def test_a_stream_whose_pipeline_gives_up_says_so_and_ends(stream):
    jobs = {**COUNT, "again": {"step": "tests.beam.steps_for_tests:calm", "needs": ["count"]}}
    served = stream(jobs, target="again")
    spec = json.loads(served.file.read_text())
    spec["line"][0]["spec"]["output"] = "file:///nowhere/without-an-item"  # seen when the children start
    served.file.write_text(json.dumps(spec))
    served.start()
    served.publish(b"a")
    assert served.wait() == 2
    assert "must hold {item} exactly once" in served.log().splitlines()[-1]
    assert served.state()["state"] == "failed"
    assert [message.data for message in served.left(wanted=1)] == [b"a"]


def test_a_dead_letter_is_the_message_as_it_came(stream):
    served = stream()
    served.start()
    long = "ü" * 900
    served.pubsub.publish(served.topic, b"\xff\xfe no text", origin="a-scanner")
    served.publish(f"gs://elsewhere/{long}".encode())
    wait_until(lambda: len(served.rows("dead")) == 2, what=served.log)
    assert served.drain() == 0, served.log()

    raw, other = sorted(served.left(served.dead, wanted=2), key=lambda message: message.data, reverse=True)
    assert (raw.data, raw.attributes["origin"]) == (b"\xff\xfe no text", "a-scanner")
    assert "not UTF-8" in raw.attributes["media_reason"]
    assert other.data.decode() == f"gs://elsewhere/{long}"
    assert 1000 < len(other.attributes["media_reason"].encode()) <= 1024
    assert {len(row.get("data_base64", "")) for row in served.rows("dead")} == {0, 16}
