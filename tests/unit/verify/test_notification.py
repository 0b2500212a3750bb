"""Whether the source's bucket announces its files."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_media_provider.runs.verify.notification import check_notification
from tests.peers.gcs import gcs_client
from tests.peers.notifying import notifying_storage
from tests.unit.verify.conftest import peers_of

TOPIC = "projects/p-12345/topics/uploads"
COMMAND = (
    f"gcloud storage buckets notifications create gs://songs --topic={TOPIC} --event-types=OBJECT_FINALIZE"
)


def config(**more: Any) -> dict[str, Any]:
    """Return a notification as the service shows it."""
    return {"id": "1", "topic": f"//pubsub.googleapis.com/{TOPIC}", "payload_format": "JSON_API_V1", **more}


@pytest.fixture
def announced(graph):
    uploads = {"subscription": "projects/p-12345/subscriptions/s", "topic": TOPIC}
    return graph("/root", "gs://songs/in/{item}.ogg", uploads=uploads)


def look(graph, url, *, create=False):
    return list(check_notification(graph, peers_of(gcs_client(url)), create=create))


OTHER = {"id": "9", "topic": "//pubsub.googleapis.com/projects/p-12345/topics/another"}


@pytest.mark.parametrize(
    "there",
    [
        [config()],
        [config(event_types=["OBJECT_FINALIZE", "OBJECT_DELETE"])],
        [config(object_name_prefix="in/")],
        [config(object_name_prefix="i", payload_format="NONE")],
        [OTHER, config(object_name_prefix="out/"), config()],
    ],
    ids=["all", "finalize", "the source's folder", "without payload", "among others"],
)
def test_a_bucket_that_announces_the_source_s_files_is_usable(announced, there):
    with notifying_storage("songs", there) as url:
        (found,) = look(announced, url)
    assert (found.what, found.state) == (f"source gs://songs: announces files to {TOPIC}", "ok")


@pytest.mark.parametrize("there", [[], [OTHER]], ids=["none", "of another topic"])
def test_a_bucket_that_announces_nothing_is_told_and_made_to_and_then_usable(announced, there):
    configs = list(there)
    with notifying_storage("songs", configs) as url:
        (missing,) = look(announced, url)
        assert configs == there, "a look makes nothing"
        (made,) = look(announced, url, create=True)
        (found,) = look(announced, url, create=True)
    assert (missing.state, missing.usable) == ("missing", False)
    assert missing.fix.startswith(f"airflow media verify --create, or: {COMMAND}")
    assert (made.state, found.state) == ("created", "ok")
    assert configs[len(there) :] == [config(id=str(len(configs)), event_types=["OBJECT_FINALIZE"])]


@pytest.mark.parametrize(
    ("there", "told"),
    [
        (config(event_types=["OBJECT_DELETE"]), "OBJECT_DELETE"),
        (config(object_name_prefix="in/new/"), "all events below in/new/"),
    ],
    ids=["other events", "a part"],
)
def test_a_bucket_that_announces_something_else_is_told_and_not_changed(announced, there, told):
    configs = [there]
    with notifying_storage("songs", configs) as url:
        (fault,) = look(announced, url, create=True)
    assert (fault.state, fault.fix) == ("wrong", COMMAND)
    assert fault.detail == f"it announces {told}, not every new file of the source"
    assert configs == [there]


@pytest.mark.parametrize("status", [404, 403, 501])
def test_a_storage_that_does_not_tell_is_no_fault(announced, status):
    configs: list[dict[str, Any]] = []
    with notifying_storage("songs", configs, status=status) as url:
        (found,) = look(announced, url, create=True)
    assert (found.state, found.usable) == ("not checked", True)
    assert found.detail.startswith("could not be looked up (")
    assert found.detail.endswith("gcloud storage buckets notifications list gs://songs")
    assert not configs


def test_the_emulator_s_storage_does_not_tell(announced, cloud):
    (found,) = look(announced, cloud.gcs_url)
    assert found.state == "not checked"


def test_nothing_is_said_where_no_bucket_or_no_topic_is_named(graph, nobody):
    topicless = {"subscription": "projects/p-12345/subscriptions/s"}
    full = {**topicless, "topic": TOPIC}
    for jobs in (
        graph("/root", "gs://songs/{item}.ogg"),
        graph("/root", "gs://songs/{item}.ogg", uploads=topicless),
        graph("/root", "/songs/{item}.ogg", uploads=full),
    ):
        assert not list(check_notification(jobs, nobody, create=True))
