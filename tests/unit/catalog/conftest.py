from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_media_provider.catalog.selection import Selection, read_selection
from airflow_media_provider.registry import JobGraph, media_registry
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.memory import MemoryStore

JOBS = {
    "downsample": {"step": "downsample", "needs": ["source"]},
    "beats": {"step": "b", "needs": ["downsample"]},
}


def graph_of(source: str, root: str = "/data/artifacts") -> JobGraph:
    return media_registry(root=root, source=source, jobs=JOBS)


@pytest.fixture
def graph() -> JobGraph:
    return graph_of("memory://songs/{item}.ogg")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def stores(store: MemoryStore) -> Stores:
    return Stores({"memory": lambda: store})


@pytest.fixture
def read(graph: JobGraph, stores: Stores) -> Callable[..., Selection]:
    """Read a selection: keyword arguments of read_selection."""

    def read(graph: JobGraph = graph, **given: Any) -> Selection:
        return read_selection(graph, stores=stores, **given)

    return read


@pytest.fixture
def read_list(store: MemoryStore, read: Callable[..., Selection]) -> Callable[..., Selection]:
    """Read a list file from its content."""

    def read_list(content: str | bytes, name: str = "list.txt", **options: Any) -> Selection:
        uri = f"memory://lists/{name}"
        store.write(uri, content.encode() if isinstance(content, str) else content)
        return read(items_uri=uri, **options)

    return read_list


def rejected(selection: Selection) -> list[tuple[str, str]]:
    """Return value and why of what was rejected."""
    return [(r.value, r.why) for r in selection.rejected]
