"""No message is lost and none is taken twice, wherever the collector dies."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_media_provider.intake.batches import BatchStore, mark_planned, take_up
from airflow_media_provider.intake.collect import IntakeCollector
from airflow_media_provider.intake.layout import IntakeLayout
from airflow_media_provider.intake.sorting import Sorted
from airflow_media_provider.storage import Stores
from tests.integration.dying_collector import DIED, POINTS, make_collector
from tests.peers.pubsub import GIVEN_AGAIN_S
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def line(cloud):
    """A topic, its subscription, and one for dead letters."""
    name = f"in-{uuid.uuid4().hex[:8]}"
    pubsub = cloud.pubsub()
    topic = pubsub.topic(name, name, ack_deadline=10)
    return pubsub, topic, pubsub.subscription(name), cloud.pubsub_address


def items_of(batch) -> list[str]:
    return [
        json.loads(line)["item"]
        for line in Path(batch.batch.removeprefix("file://")).read_text().splitlines()
    ]


def collect(collector):
    """Return the next batch."""
    return wait_until(lambda: collector.collect(threading.Event()), what="no batch came", every=0)


def collect_all(collector, *, patience: float, wanted: int = 0) -> list:
    """Return the batches that come until nothing has come for ``patience`` seconds.

    :param wanted: so many messages are waited for longer.
    """
    found, began = [], time.monotonic()
    last = began
    while time.monotonic() - last < patience or (
        sum(batch.messages for batch in found) < wanted and time.monotonic() - began < GIVEN_AGAIN_S
    ):
        batch = collector.collect(threading.Event())
        if batch is not None:
            found.append(batch)
            last = time.monotonic()
    return found


@pytest.mark.parametrize("point", POINTS)
def test_a_collector_that_dies_loses_nothing_and_takes_nothing_twice(line, tmp_path, point):
    pubsub, topic, subscription, address = line
    root = f"file://{tmp_path}"
    wanted = [f"song {n}" for n in range(60)]
    pubsub.publish(topic, *(item.encode() for item in wanted))
    command = [sys.executable, "-m", "tests.integration.dying_collector", point, address, subscription, root]
    died = subprocess.run(command, cwd=ROOT, timeout=120, check=False)
    assert died.returncode == DIED

    batches, collector = make_collector(IntakeCollector, address, subscription, root)
    announced = batches.unplanned(datetime.now(UTC))
    # Messages of the dead come back when their lease of 10 s is over.
    left = len(wanted) - sum(batch.messages for batch in announced)
    announced += collect_all(collector, patience=12, wanted=left)
    assert sorted(item for batch in announced for item in items_of(batch)) == sorted(wanted)
    assert not pubsub.drain(subscription), "all is acknowledged"


def test_what_cannot_be_read_is_kept_with_its_reason_and_sent_to_the_dead_letters(line, tmp_path):
    pubsub, topic, subscription, address = line
    dead = pubsub.topic(f"{topic.rpartition('/')[2]}-dead", f"{topic.rpartition('/')[2]}-dead")
    pubsub.publish(
        topic, b"good", b'{"item": 3', b"\xff\xfe\xfa", b'{"item": "a", "targets": ["enrgy"]}', kind="x"
    )
    _, collector = make_collector(
        IntakeCollector, address, subscription, f"file://{tmp_path}",
        publisher=pubsub.publisher, dead_letter_topic=dead,
    )  # fmt: skip
    batch = collect(collector)
    assert (batch.items, batch.dead, batch.messages) == (1, 3, 4)
    (file,) = tmp_path.glob("_intake/*/dead/*.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    reasons = sorted(row["reason"] for row in rows)
    assert [reason.split(":")[0] for reason in reasons] == [
        "targets names 'enrgy', which is no job here; did you mean 'energy'?",
        "the message is not UTF-8",
        "the message starts as JSON and is none",
    ]
    sent = pubsub.drain(pubsub.subscription(dead.rpartition("/")[2]), wanted=3)
    assert sorted(message.attributes["media_reason"] for message in sent) == reasons
    assert {message.attributes["kind"] for message in sent} == {"x"}
    assert sorted(message.data for message in sent) == [
        b'{"item": "a", "targets": ["enrgy"]}', b'{"item": 3', b"\xff\xfe\xfa",
    ], "as they came"  # fmt: skip
    assert not pubsub.drain(subscription)


def test_a_dead_letter_fits_whatever_its_reason_and_attributes(line, tmp_path):
    pubsub, topic, subscription, address = line
    dead = pubsub.topic(f"{topic.rpartition('/')[2]}-dead", f"{topic.rpartition('/')[2]}-dead")
    many = {f"a{n}": "x" for n in range(100)}
    pubsub.publish(topic, json.dumps({"item": "x", "targets": ["ü" * 2000]}).encode(), **many)
    _, collector = make_collector(
        IntakeCollector, address, subscription, f"file://{tmp_path}",
        publisher=pubsub.publisher, dead_letter_topic=dead,
    )  # fmt: skip
    collect(collector)
    (sent,) = pubsub.drain(pubsub.subscription(dead.rpartition("/")[2]), wanted=1)
    assert len(sent.attributes) == 100
    assert 1022 <= len(sent.attributes["media_reason"].encode()) <= 1024
    assert sent.attributes["media_reason"].startswith("targets names 'üü")


def test_a_dead_letter_topic_that_is_not_there_holds_up_no_good_message(line, tmp_path, caplog):
    pubsub, topic, subscription, address = line
    pubsub.publish(topic, b"good", b'{"item": 3')
    batches, collector = make_collector(
        IntakeCollector, address, subscription, f"file://{tmp_path}",
        publisher=pubsub.publisher, dead_letter_topic=f"{topic}-gone",
    )  # fmt: skip
    batch = collect(collector)
    assert items_of(batch) == ["good"]
    (file,) = tmp_path.glob("_intake/*/dead/*.jsonl")
    assert json.loads(file.read_text())["data"] == '{"item": 3'
    assert "1 of 1 dead letters are not on" in caplog.text
    assert [waiting.batch for waiting in batches.unplanned(datetime.now(UTC))] == [batch.batch]
    assert not pubsub.drain(subscription), "both are acknowledged"


class Forgetful:
    """A subscriber whose first acknowledgements go to a subscription that is not there, which is refused."""

    def __init__(self, subscriber, *, times):
        self._subscriber, self._left = subscriber, times

    def __getattr__(self, name):
        return getattr(self._subscriber, name)

    def acknowledge(self, request, **more):
        if self._left:
            self._left -= 1
            request = {**request, "subscription": f"{request['subscription']}-gone"}
        self._subscriber.acknowledge(request=request, **more)


def test_messages_that_cannot_be_acknowledged_are_in_one_batch_which_is_announced(line, tmp_path, caplog):
    pubsub, topic, subscription, address = line
    wanted = [f"song {n}" for n in range(20)]
    pubsub.publish(topic, *(item.encode() for item in wanted))
    batches, collector = make_collector(
        IntakeCollector, address, subscription, f"file://{tmp_path}",
        subscriber=Forgetful(pubsub.subscriber, times=1),
    )  # fmt: skip
    batch = collect(collector)
    assert sorted(items_of(batch)) == sorted(wanted)
    assert "20 messages are not acknowledged and will come again: NotFound" in caplog.text
    # They come again when their lease of 10 s is over.
    assert collect_all(collector, patience=12) == []
    assert [waiting.batch for waiting in batches.unplanned(datetime.now(UTC))] == [batch.batch]
    assert not pubsub.drain(subscription), "all is acknowledged at last"


class Unsure(BatchStore):
    """Writes its first batch, and does not hear that it did."""

    sure = False

    def save(self, *said):
        batch = super().save(*said)
        if not self.sure:
            self.sure = True
            raise OSError("the answer was lost")
        return batch


def test_a_batch_that_is_written_without_an_answer_is_not_written_again(line, tmp_path):
    pubsub, topic, subscription, address = line
    pubsub.publish(topic, b"one", b"two")
    root = f"file://{tmp_path}"
    batches, collector = make_collector(IntakeCollector, address, subscription, root)
    collector.batches = Unsure(IntakeLayout.of(root, subscription), Stores())
    with pytest.raises(OSError, match="the answer was lost"):
        collect(collector)
    assert collect_all(collector, patience=12) == []
    (waiting,) = batches.unplanned(datetime.now(UTC))
    assert sorted(items_of(waiting)) == ["one", "two"]
    assert not pubsub.drain(subscription)


def test_a_batch_is_closed_when_it_is_full(line, tmp_path):
    pubsub, topic, subscription, address = line
    pubsub.publish(topic, *(f"s{n}".encode() for n in range(25)))
    _, collector = make_collector(
        IntakeCollector, address, subscription, f"file://{tmp_path}", max_messages=10
    )
    found = collect_all(collector, patience=3, wanted=25)
    assert sorted(batch.messages for batch in found) == [5, 10, 10]


def test_a_collector_that_is_told_to_stop_gives_back_what_it_has(line, tmp_path):
    pubsub, topic, subscription, address = line
    pubsub.publish(topic, b"one", b"two")
    _, collector = make_collector(IntakeCollector, address, subscription, f"file://{tmp_path}", max_wait=60)
    stop = threading.Event()
    threading.Timer(2, stop.set).start()
    assert collector.collect(stop) is None
    assert sorted(message.data for message in pubsub.drain(subscription, wanted=2)) == [b"one", b"two"]


def test_a_batch_belongs_to_the_first_plan_that_takes_it_up(line, tmp_path):
    pubsub, topic, subscription, address = line
    pubsub.publish(topic, b"one")
    batches, collector = make_collector(IntakeCollector, address, subscription, f"file://{tmp_path}")
    batch = collect(collector)
    stores = Stores()
    assert [waiting.batch for waiting in batches.unplanned(datetime.now(UTC))] == [batch.batch]
    assert mark_planned([batch.batch], "/runs/1", stores) == []
    assert mark_planned([batch.batch], "/runs/2", stores) == [batch.batch], "it lost"
    assert mark_planned([batch.batch], "/runs/1", stores) == []
    assert take_up([batch.batch], "/runs/1", stores) == [batch.batch], "a retry of the plan keeps it"
    assert take_up([batch.batch], "/runs/2", stores) == []
    assert batches.unplanned(datetime.now(UTC)) == []


@pytest.mark.parametrize(("name", "value"), [("max_messages", 0), ("max_wait", 301), ("max_wait", -1)])
def test_limits_that_make_no_sense_are_refused(line, tmp_path, name, value):
    *_, subscription, address = line
    with pytest.raises(ValueError, match=f"{name} {value}: give"):
        make_collector(IntakeCollector, address, subscription, f"file://{tmp_path}", **{name: value})


def test_a_trigger_announces_the_batch_that_a_cancelled_one_still_wrote(line, cloud, tmp_path, monkeypatch):
    """Its thread has pulled before the new trigger looked for batches, and wrote after."""
    from airflow_media_provider.intake import waiting
    from airflow_media_provider.triggers.uploads import MediaUploadTrigger

    *_, subscription, address = line
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(waiting, "EVERY", timedelta(0))
    monkeypatch.setattr(waiting, "LATE", timedelta(seconds=1))
    root = f"file://{tmp_path}"
    batches, _ = make_collector(IntakeCollector, address, subscription, root)
    trigger = MediaUploadTrigger(
        subscription=subscription,
        root=root,
        source="/songs/{item}.ogg",
        ours=[],
        jobs=["downsample"],
        max_wait=0,
    )
    looked, look = threading.Event(), waiting.WaitingBatches.look

    def watched(self, now):
        found = look(self, now)
        looked.set()
        return found

    monkeypatch.setattr(waiting.WaitingBatches, "look", watched)

    async def first_event() -> dict:
        events = trigger.run()
        waits = asyncio.ensure_future(anext(events))
        await asyncio.to_thread(looked.wait, 60)
        written = batches.save(
            Sorted(rows=[{"item": "late", "message": "1"}], dead=[], ignored=0), ["1"], datetime.now(UTC)
        )
        async with asyncio.timeout(60):
            event = await waits
        await events.aclose()
        assert event.payload["batch"] == written.batch
        return event.payload

    assert asyncio.run(first_event())["items"] == 1
