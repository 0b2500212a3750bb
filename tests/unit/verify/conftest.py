from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from airflow_media_provider.registry import JobGraph, media_registry
from airflow_media_provider.runs.verify import Peers
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.gcs import GcsStore
from tests.peers.cloud import Cloud


@pytest.fixture
def name() -> str:
    """Part of the names of this test's buckets, topics and subscriptions."""
    return uuid.uuid4().hex[:12]


@pytest.fixture
def peers(cloud: Cloud) -> Peers:
    return peers_of(cloud.storage(), cloud)


def peers_of(storage: Any, cloud: Cloud | None = None, **more: Any) -> Peers:
    pubsub = None if cloud is None else cloud.pubsub()
    return Peers(
        stores=Stores({"gs": lambda: GcsStore(storage)}),
        storage=lambda: storage,
        publisher=lambda: pubsub.publisher,
        subscriber=lambda: pubsub.subscriber,
        **more,
    )


@pytest.fixture
def nobody() -> Peers:
    """Return clients for what needs none."""

    def client() -> Any:
        raise AssertionError("nothing here asks Google")

    return Peers(stores=Stores(), storage=client, publisher=client, subscriber=client)


@pytest.fixture
def graph() -> Callable[..., JobGraph]:
    def graph(root: str, source: str = "/songs/{item}.ogg", job: dict[str, Any] | None = None, **more: Any):
        jobs = {"downsample": {"step": "downsample", "needs": ["source"], **(job or {})}}
        return media_registry(root=root, source=source, jobs=jobs, **more)

    return graph
