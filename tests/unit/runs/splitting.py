"""A registry in which texts are split into words, on a store in memory."""

from __future__ import annotations

from airflow_media_provider.registry import JobGraph, media_registry
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.storage.store import ObjectStore

STEPS = "tests.splitting_steps"
JOBS = {
    "cut": {"step": f"{STEPS}:cut_words", "needs": ["source"]},
    "shout": {"step": f"{STEPS}:shout", "needs": ["cut"]},
    "letters": {"step": f"{STEPS}:count_letters", "needs": ["shout"]},
    "place": {
        "step": f"{STEPS}:place", "needs": {"word": "cut", "index": "cut", "text": "source"},
    },
    "words": {"step": f"{STEPS}:count_words", "needs": ["cut"]},
}  # fmt: skip


def splitting_graph(root: str = "memory://bucket/artifacts", source: str = "", **changes: object) -> JobGraph:
    """Return the registry.

    :param changes: entries of jobs, instead of those here.
    """
    return media_registry(
        root=root, source=source or "memory://bucket/texts/{item}.txt", jobs={**JOBS, **changes}
    )


def put_split(graph: JobGraph, store: ObjectStore, item: str, count: int, *, index: bool = True) -> None:
    """Write what ``cut`` makes of an item."""
    made = recipe(graph, "cut")
    assert made.child_address is not None
    for number in range(count):
        store.write(made.child_address.of(f"{item}/~{number:05d}"), b"word")
    if index:
        store.write(made.address.of(item), b"{}")


def put_children(graph: JobGraph, store: ObjectStore, job: str, item: str, *numbers: int) -> None:
    """Write a job's artifacts of an item's children."""
    for number in numbers:
        store.write(recipe(graph, job).address.of(f"{item}/~{number:05d}"), b"x")
