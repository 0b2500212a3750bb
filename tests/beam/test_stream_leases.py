"""What a stream holds of Pub/Sub, and how it lets go of it, on a real server; trouble is made on purpose."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from google.api_core.exceptions import Forbidden, InvalidArgument, NotFound, ServiceUnavailable

from beam_jobs.contract.errors import MediaJobError, StepCrashed, StepTimeout
from beam_jobs.contract.report import ReportRow, Status
from beam_jobs.pipelines import direct_pubsub
from beam_jobs.pipelines.desk import PatientDesk
from beam_jobs.pipelines.direct_pubsub import ACK_ID, Leases
from beam_jobs.pipelines.stream_conclude import Conclude
from beam_jobs.pipelines.stream_letters import Letters
from beam_jobs.pipelines.stream_messages import Serve
from beam_jobs.pipelines.trace import Trace
from tests.beam.streams import Stream
from tests.waiting import wait_until

pytestmark = pytest.mark.beam


@pytest.fixture
def leases(stream, monkeypatch):
    made = Leases(stream.subscription, lease_s=10)
    monkeypatch.setattr(direct_pubsub, "_leases", made)
    yield made
    made.close()


def pull(leases: Leases, count: int) -> list:
    found: list = []
    deadline = time.monotonic() + 30
    while len(found) < count and time.monotonic() < deadline:
        found += leases.pull()
    return found


def serve(stream: Stream, answers: dict[str, Exception], messages: list) -> list:
    """Serve messages by a line that does what ``answers`` say, and conclude."""

    def run(item: str, **how) -> list[ReportRow]:
        if item in answers:
            raise answers[item]
        return [ReportRow(item=item, job="count", status=Status.DONE)]

    one, end = Serve(stream.spec), Conclude(stream.spec)
    one._line = SimpleNamespace(run=run)
    served = [one._serve(SimpleNamespace(**_facts(message))) for message in messages]
    end.start_bundle()
    for what in served:
        end.process(what)
    end.finish_bundle()
    return served


def _facts(message) -> dict:
    return {
        "data": message.data, "attributes": dict(message.attributes), "message_id": message.message_id,
        "publish_time": datetime.now(UTC),
    }  # fmt: skip


def test_trouble_that_passes_gives_its_message_back_and_none_of_the_others(stream, leases):
    stream.publish(b"a", b"b", b"c")
    serve(stream, {"b": ConnectionResetError("cut")}, pull(leases, 3))
    assert stream.outcomes() == [("a", "count", "done"), ("c", "count", "done")]
    assert leases.in_work == 0

    (again,) = pull(leases, 1)
    assert again.data == b"b"
    serve(stream, {}, [again])
    assert stream.outcomes() == [(item, "count", "done") for item in "abc"]
    assert not stream.left()


def test_a_topic_that_is_away_for_a_moment_gives_back_what_it_should_have_been_told(
    stream, leases, monkeypatch
):
    stream.publish(b"a", b"b")
    with monkeypatch.context() as patch:
        patch.setattr(Letters, "_error_of", lambda self, letters, **how: ServiceUnavailable("away"))
        serve(stream, {}, pull(leases, 2))
    assert (stream.rows(), leases.in_work) == ([], 0)

    serve(stream, {}, pull(leases, 2))
    assert stream.outcomes() == [("a", "count", "done"), ("b", "count", "done")]
    assert len(stream.left(stream.told, wanted=2)) == 2
    assert not stream.left()


def test_an_error_that_nobody_thought_of_buries_its_message_alone(stream, leases):
    stream.publish(b"a", b"b")
    serve(stream, {"b": ZeroDivisionError("x")}, pull(leases, 2))
    assert stream.outcomes() == [("a", "count", "done")]
    (dead,) = stream.rows("dead")
    assert (dead["data"], "ZeroDivisionError: x" in dead["reason"]) == ("b", True)
    assert not stream.left()


def test_a_message_whose_acknowledgement_was_lost_is_not_reported_again(stream, leases, monkeypatch):
    stream.publish(b"a")
    (message,) = pull(leases, 1)
    with monkeypatch.context() as patch:
        patch.setattr(leases, "_acknowledge", lambda ids: (_ for _ in ()).throw(ServiceUnavailable("away")))
        serve(stream, {}, [message])
    assert leases.in_work == 0
    leases._lease([message.attributes[ACK_ID]], 0)  # its lease ends

    (again,) = pull(leases, 1)
    serve(stream, {}, [again])
    assert stream.outcomes() == [("a", "count", "done")]
    assert not stream.left()


def test_what_ends_after_everything_was_given_back_is_neither_reported_nor_acknowledged(
    stream, leases, monkeypatch
):
    stream.publish(b"a", b"b", b"c")
    messages, acknowledged = pull(leases, 3), []
    monkeypatch.setattr(leases, "_acknowledge", acknowledged.append)  # the server would forgive it
    leases.give_all_back()
    serve(stream, {"b": ConnectionResetError("cut"), "c": StepCrashed("killed")}, messages)
    leases.acknowledge([message.attributes[ACK_ID] for message in messages])
    assert (stream.rows(), stream.rows("dead"), stream.left(stream.told), acknowledged) == ([], [], [], [])
    assert sorted(message.data for message in stream.left(wanted=3)) == [b"a", b"b", b"c"]


def test_a_stopped_stream_takes_no_message_again(stream, leases):
    leases.give_all_back()
    stream.publish(b"a")
    assert leases.pull() == []
    assert [message.data for message in stream.left(wanted=1)] == [b"a"]


def test_messages_that_arrive_when_a_stream_has_stopped_go_back_before_it_ends(stream, leases, monkeypatch):
    ask, done = leases._client.pull, []

    def stop() -> None:
        leases.give_all_back()
        done.append("stopped")

    stopping = threading.Thread(daemon=True, target=stop)

    def arrive_late(**request):
        arrived = ask(**request)
        if arrived.received_messages:
            stopping.start()
            wait_until(lambda: leases.over, what="it does not stop")
            done.append("arrived")
        return arrived

    monkeypatch.setattr(leases._client, "pull", arrive_late)
    stream.publish(b"a")
    found: list = []
    while not done:
        found += leases.pull()
    stopping.join()
    assert (done, found, leases.in_work) == (["arrived", "stopped"], [], 0)
    assert [message.data for message in stream.left(wanted=1)] == [b"a"]


def test_a_message_that_is_only_to_be_acknowledged_is_so_when_the_others_go_back(stream, leases, monkeypatch):
    stream.publish(b"a")
    (message,) = pull(leases, 1)
    with monkeypatch.context() as patch:
        patch.setattr(leases, "_acknowledge", lambda ids: (_ for _ in ()).throw(ServiceUnavailable("away")))
        serve(stream, {}, [message])
    leases._lease([message.attributes[ACK_ID]], 0)  # its lease ends
    stream.publish(b"b")

    both = pull(leases, 2)
    with monkeypatch.context() as patch:
        patch.setattr(Letters, "_error_of", lambda self, letters, **how: ServiceUnavailable("away"))
        serve(stream, {}, both)
    assert stream.outcomes() == [("a", "count", "done")]
    assert [message.data for message in stream.left(wanted=1)] == [b"b"]


def test_only_the_newest_of_the_messages_of_the_past_are_remembered(stream, leases, monkeypatch):
    def away(ids: list[str]) -> None:
        raise ServiceUnavailable("away")

    monkeypatch.setattr(direct_pubsub, "REMEMBERED", 2)
    monkeypatch.setattr(direct_pubsub, "ATTEMPTS", 1)
    monkeypatch.setattr(leases, "_acknowledge", away)
    stream.publish(b"a", b"b", b"c")
    messages = sorted(pull(leases, 3), key=lambda message: message.data)
    for message in messages:
        leases.acknowledge([message.attributes[ACK_ID]])
    assert [leases.is_settled(message.message_id) for message in messages] == [False, True, True]
    stream.publish(b"d", b"e", b"f")
    leases.give_back(message.attributes[ACK_ID] for message in pull(leases, 3))
    assert len(leases._given_back) == 2


def test_items_that_end_in_trouble_are_signs_of_life(stream, monkeypatch):
    stream.publish(b"a")
    patient = Leases(stream.subscription, lease_s=10, patience_s=60.0)
    monkeypatch.setattr(direct_pubsub, "_leases", patient)
    (message,) = pull(patient, 1)
    patient._life -= 100
    assert patient.stuck
    serving = Serve(stream.spec)
    serving._line = SimpleNamespace(run=_cut)
    assert serving._serve(SimpleNamespace(**_facts(message))).again
    assert not patient.stuck
    patient.close()


def _cut(item: str, **how) -> list[ReportRow]:
    raise ConnectionResetError("cut")


@pytest.mark.parametrize("refused", [NotFound, Forbidden, InvalidArgument])
def test_a_subscription_that_no_waiting_gives_is_not_asked_for_ever(stream, leases, monkeypatch, refused):
    def refuse(**request):
        raise refused("no")

    monkeypatch.setattr(leases._client, "pull", refuse)
    assert leases.pull() == []
    assert str(leases.fault).startswith(f"{refused.code:d} no; look at the subscription's name")


def test_leases_that_cannot_be_changed_cost_no_message(stream, leases, monkeypatch):
    def away(**request) -> None:
        raise ServiceUnavailable("away")

    stream.publish(b"a")
    monkeypatch.setattr(leases._client, "modify_ack_deadline", away)
    (message,) = pull(leases, 1)
    serve(stream, {}, [message])
    assert stream.outcomes() == [("a", "count", "done")]


def test_leases_are_not_prolonged_where_nothing_goes_on(stream):
    stream.publish(b"a")
    stuck = Leases(stream.subscription, lease_s=10, patience_s=0.0)
    assert len(pull(stuck, 1)) == 1
    assert stuck.stuck
    wait_until(stream.left, patience=40, what="the lease never ends")
    stuck.close()


def test_another_runner_has_its_bundle_tried_again(stream):
    message = SimpleNamespace(data=b"a", attributes={}, message_id="1")
    with pytest.raises(MediaJobError, match="1 messages must come again: ConnectionResetError: cut"):
        serve(stream, {"a": ConnectionResetError("cut")}, [message])
    assert stream.rows() == []


def test_a_stream_fails_an_item_for_what_stays_and_not_for_what_passes(stream):
    desk = PatientDesk(stream.spec.line[0].spec)
    for error in (PermissionError(13, "no"), StepTimeout("too long")):
        assert desk.failed("a", Trace(stage="fetch"), error).status == Status.FAILED
    with pytest.raises(TimeoutError):
        desk.failed("a", Trace(stage="fetch"), TimeoutError("slow"))
