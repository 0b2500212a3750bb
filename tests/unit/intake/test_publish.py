"""What publishing says when it cannot."""

from __future__ import annotations

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.pubsub_v1 import PublisherClient

from airflow_media_provider.errors import StorageError
from airflow_media_provider.intake.publish import publish
from tests.peers.pubsub import PROJECT


def test_of_a_topic_that_is_not_there_it_is_said_that_nothing_was_sent_and_what_makes_it(cloud, monkeypatch):
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", cloud.pubsub_address)
    topic = f"projects/{PROJECT}/topics/never-made"
    with pytest.raises(StorageError) as error:
        publish(PublisherClient(credentials=AnonymousCredentials()), topic, [(b"a", {}), (b"b", {})])
    assert str(error.value) == (
        f"{topic}: there is no such topic, so nothing was sent; correct the name, or create it: airflow "
        f"media verify --create (where the registry names it), or gcloud pubsub topics create {topic}"
    )
