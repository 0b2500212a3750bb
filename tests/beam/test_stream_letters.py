"""What a stream sends to topics: on a real server; one that is away is made so on purpose."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from google.api_core.exceptions import ServiceUnavailable
from google.pubsub_v1 import PublisherClient

from beam_jobs.pipelines import stream_letters
from beam_jobs.pipelines.stream_conclude import Conclude
from beam_jobs.pipelines.stream_letters import Letter, Letters
from beam_jobs.pipelines.stream_messages import Serve

pytestmark = pytest.mark.beam

PUBLISH = PublisherClient.publish


@pytest.fixture
def asked(monkeypatch):
    """Return the topics that were asked to take letters; those in ``asked.away`` are away."""
    seen = SimpleNamespace(topics=[], away=(), slow_s=0.0)

    def publish(self, *, topic, **request):
        seen.topics.append(topic)
        time.sleep(seen.slow_s)
        if topic in seen.away:
            raise ServiceUnavailable("away")
        return PUBLISH(self, topic=topic, **{**request, "timeout": 30})  # the machine may be busy

    monkeypatch.setattr(PublisherClient, "publish", publish)
    return seen


def letters(topic: str, *texts: bytes) -> list[Letter]:
    return [Letter(topic=topic, data=text, attributes={}) for text in texts]


def test_a_message_that_the_topic_refuses_costs_no_other_its_word(stream):
    for send in (Letters().send, Letters().offer):
        ((refused, reason),) = send(letters(stream.told, b"{}", b"", b"{}"))
        assert (refused.data, "InvalidArgument" in reason) == (b"", True)
        assert len(stream.left(stream.told, wanted=2)) == 2


def test_a_dead_letter_topic_that_is_away_is_asked_once_and_the_report_has_everything(stream, asked, caplog):
    asked.away = (stream.dead,)
    serving, end = Serve(stream.spec), Conclude(stream.spec)
    end.start_bundle()
    for number in range(5):
        facts = {"attributes": {}, "message_id": str(number), "publish_time": None}
        end.process(serving._serve(SimpleNamespace(data=b'{"item": %d}' % number, **facts)))
    end.finish_bundle()
    assert asked.topics == [stream.dead]
    assert [row["message_id"] for row in stream.rows("dead")] == list("01234")
    assert f"5 dead letters are not on {stream.dead}" in caplog.text


def test_letters_are_offered_for_a_while_and_no_longer(stream, asked, monkeypatch):
    monkeypatch.setattr(stream_letters, "OFFERED_S", 2.0)
    asked.slow_s = 2.0
    late = Letters().offer(letters(stream.dead, b"1", b"2", b"3"))
    assert [letter.data for letter, _ in late] == [b"2", b"3"]
    assert len(asked.topics) == len(stream.left(stream.dead, wanted=1)) == 1


def test_a_topic_that_is_away_is_asked_again_where_listeners_wait_for_it(stream, asked):
    asked.away = (stream.told,)
    with pytest.raises(ServiceUnavailable):
        Letters().send(letters(stream.told, b"1"))
    assert len(asked.topics) > 1
