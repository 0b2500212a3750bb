"""Topics and subscriptions."""

from __future__ import annotations

import pytest

from airflow_media_provider.registry.model import Uploads
from airflow_media_provider.runs.verify import Peers
from airflow_media_provider.runs.verify.registry import _messages
from airflow_media_provider.runs.verify.subscription import check_subscription
from airflow_media_provider.runs.verify.topic import check_topic
from airflow_media_provider.storage import Stores
from tests.peers.pubsub import PROJECT, PubSub
from tests.peers.refusing import refusing_pubsub


def topic(name: str) -> str:
    return f"projects/{PROJECT}/topics/t-{name}"


def subscription(name: str) -> str:
    return f"projects/{PROJECT}/subscriptions/t-{name}"


def peers_at(address: str) -> Peers:
    pubsub = PubSub(address)
    return Peers(
        stores=Stores(),
        storage=lambda: None,
        publisher=lambda: pubsub.publisher,
        subscriber=lambda: pubsub.subscriber,
        account=lambda: "serviceAccount:me@p.iam",
    )


def test_topics_and_subscription_are_told_and_made_and_then_usable(graph, peers, name):
    uploads = {
        "subscription": subscription(name), "topic": topic(name), "dead_letter_topic": topic(f"{name}-dead"),
    }  # fmt: skip
    jobs = graph("/root", job={"completion_topic": topic(f"{name}-done")}, uploads=uploads)
    missing = list(_messages(jobs, peers, create=False))
    assert [f.state for f in missing] == ["missing"] * 4
    assert [f.fix.removeprefix("airflow media verify --create, or: ") for f in missing] == [
        f"gcloud pubsub topics create {topic(name)}",
        f"gcloud pubsub topics create {topic(name)}-dead",
        f"gcloud pubsub topics create {topic(name)}-done",
        f"gcloud pubsub subscriptions create {subscription(name)} --topic={topic(name)} --ack-deadline=60",
    ]
    made = list(_messages(jobs, peers, create=True))
    assert [f.state for f in made] == ["created", "not checked"] * 4
    assert all(f.usable for f in _messages(jobs, peers, create=False))
    found = peers.subscriber().get_subscription(subscription=subscription(name))
    assert (found.topic, found.ack_deadline_seconds) == (topic(name), 60)


def test_the_subscription_of_a_stream_is_told_and_made_of_the_topic_of_uploads(graph, peers, name):
    uploads = {"subscription": subscription(name), "topic": topic(name)}
    jobs = graph("/root", uploads=uploads)
    own = [subscription(f"{name}-stream"), subscription(name)]
    missing = list(_messages(jobs, peers, own, create=False))[-1]
    assert (missing.what, missing.state) == (f"subscription {own[0]}", "missing")
    assert missing.fix.endswith(f"subscriptions create {own[0]} --topic={topic(name)} --ack-deadline=60")
    made = [f for f in _messages(jobs, peers, own, create=True) if f.state == "created"]
    assert [f.what for f in made][-1] == f"subscription {own[0]}"
    assert len(made) == 3, "the topic, and each subscription once"
    assert peers.subscriber().get_subscription(subscription=own[0]).topic == topic(name)


def test_the_subscription_of_a_stream_may_be_of_any_topic_and_needs_no_uploads(cloud, graph, peers, name):
    cloud.pubsub().topic(f"t-{name}", f"t-{name}")
    for uploads in ({}, {"uploads": {"subscription": subscription("x"), "topic": topic(f"{name}-other")}}):
        jobs = graph("/root", **uploads)
        found = list(_messages(jobs, peers, [subscription(name)], create=False))[-2]
        assert (found.what, found.state) == (f"subscription {subscription(name)}", "ok")
        assert found.detail.startswith(f"of {topic(name)}, ")


def test_a_subscription_without_a_topic_cannot_be_made(peers, name):
    (fault,) = check_subscription(Uploads(subscription=subscription(name)), peers, create=True)
    assert (fault.state, fault.fix) == ("missing", "write uploads.topic into the registry")


def test_a_subscription_of_another_topic_is_told_and_not_changed(cloud, peers, name):
    cloud.pubsub().topic(f"t-{name}", f"t-{name}", ack_deadline=17)
    uploads = Uploads(subscription=subscription(name), topic=topic("other"))
    fault, _ = check_subscription(uploads, peers, create=True)
    assert fault.state == "wrong"
    assert fault.detail == f"it is of {topic(name)}, and the registry says {topic('other')}"
    found = peers.subscriber().get_subscription(subscription=subscription(name))
    assert (found.topic, found.ack_deadline_seconds) == (topic(name), 17)


def test_a_subscription_whose_topic_is_gone_is_told(cloud, peers, name):
    cloud.pubsub().topic(f"t-{name}", f"t-{name}")
    peers.publisher().delete_topic(topic=topic(name))
    uploads = Uploads(subscription=subscription(name), topic=topic(name))
    fault = next(check_subscription(uploads, peers, create=False))
    assert (fault.state, fault.detail) == ("wrong", "its topic is gone, so nothing comes")


def test_a_subscription_that_pushes_is_told(cloud, peers, name):
    cloud.pubsub().topic(f"t-{name}")
    peers.subscriber().create_subscription(
        request={
            "name": subscription(name), "topic": topic(name), "ack_deadline_seconds": 10,
            "push_config": {"push_endpoint": "http://127.0.0.1:9/x"},
        }
    )  # fmt: skip
    fault = next(check_subscription(Uploads(subscription=subscription(name)), peers, create=False))
    assert (fault.state, fault.detail.partition(",")[0]) == ("wrong", "it pushes to http://127.0.0.1:9/x")


def test_a_name_that_the_service_does_not_take_is_told(peers):
    (fault,) = check_topic("completion_topic", f"projects/{PROJECT}/topics/x!", peers, create=True)
    assert fault.state in ("wrong", "created")
    if fault.state == "wrong":
        assert fault.fix.startswith("correct the name in the registry")


@pytest.mark.parametrize("granted", [True, False])
def test_permissions_are_asked_for_where_nothing_may_be_looked_at(granted, name):
    permissions = ("pubsub.topics.publish", "pubsub.subscriptions.consume") if granted else ()
    with refusing_pubsub(permissions) as address:
        peers = peers_at(address)
        sent = list(check_topic("uploads.topic", topic(name), peers, create=True))
        pulled = list(check_subscription(Uploads(subscription=subscription(name)), peers, create=True))
    if granted:
        assert all(f.usable for f in (*sent, *pulled))
        return
    assert sent[-1].state == pulled[-1].state == "denied"
    assert sent[-1].detail == "this account lacks pubsub.topics.publish"
    assert sent[-1].fix == (
        f"gcloud pubsub topics add-iam-policy-binding {topic(name)} "
        "--member=serviceAccount:me@p.iam --role=roles/pubsub.publisher"
    )
    assert pulled[-1].fix.endswith("--role=roles/pubsub.subscriber")


def test_a_server_that_does_not_answer_is_told_at_once(name):
    peers = peers_at("127.0.0.1:9")
    (fault,) = check_topic("uploads.topic", topic(name), peers, create=False)
    assert fault.state == "unreachable"
    assert "PUBSUB_EMULATOR_HOST" in fault.fix
    (fault,) = check_subscription(Uploads(subscription=subscription(name)), peers, create=False)
    assert fault.state == "unreachable"
