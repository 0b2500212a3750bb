from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from airflow_media_provider.registry import JobGraph, media_registry
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.here import plan_and_save
from airflow_media_provider.runs.request import parse_request
from airflow_media_provider.runs.stored import StoredPlan
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.memory import MemoryStore

JOBS = {
    "downsample": {"step": "downsample", "needs": ["source"]},
    "beat_tracking": {"step": "beat_tracking", "needs": ["downsample"]},
    "energy": {"step": "energy", "needs": ["downsample", "beat_tracking"]},
    "loudness": {"step": "loudness", "needs": ["source"]},
}


def array(items: Iterable[str]) -> pa.LargeStringArray:
    return pa.array(sorted(items), pa.large_string())


@pytest.fixture
def graph() -> JobGraph:
    return media_registry(
        root="memory://bucket/artifacts", source="memory://bucket/songs/{item}.ogg", jobs=JOBS
    )


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def stores(store: MemoryStore) -> Stores:
    return Stores({"memory": lambda: store})


@pytest.fixture
def put(graph: JobGraph, store: MemoryStore) -> Callable[..., None]:
    """Make the files of items: of a job, or their sources."""

    def put(job: str, *items: str) -> None:
        for item in items:
            uri = (
                f"memory://bucket/songs/{item}.ogg"
                if job == "source"
                else recipe(graph, job).address.of(item)
            )
            store.write(uri, b"x")

    return put


@pytest.fixture
def plan(graph: JobGraph, stores: Stores) -> Callable[..., StoredPlan]:
    """Plan and store."""

    def plan(**request: object) -> StoredPlan:
        return plan_and_save(
            graph, parse_request(request), stores=stores, run_id="run", now=datetime.now(UTC)
        )

    return plan
