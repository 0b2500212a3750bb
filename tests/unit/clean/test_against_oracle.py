"""Cleaning compared with a brute-force oracle, on files and on buckets."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_media_provider.registry import JobGraph, media_registry
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.clean import delete_found, find_old, old_layouts
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.gcs import GcsStore

FEW_ITEMS = ("a", "a.b", "a b", "naïve/ü 音", "x/a..b", "100%2F", "a.flac")
MANY_ITEMS = (*FEW_ITEMS, *(f"m/{n:02}" for n in range(40)))
CHILDREN = ("a/~00001", "naïve/ü 音/~00002", "x/a..b/~1", "a/~00001/~00002", "a/~/~00001")
FOLDERS = ("0123456789ab", "0123456789abc", "0123456789a", "fedcba987654", "0123456789AB", "_runs", "CURRENT")
SUFFIXES = (".flac", ".wav", ".tar.gz", "", ".", ".flac/part")
JOBS = ("downsample", "loudness", "loud", "gone", "_runs", "_intake", "custom")

paths = st.tuples(
    st.sampled_from(JOBS),
    st.sampled_from(FOLDERS),
    st.sampled_from((*FEW_ITEMS, *CHILDREN)),
    st.sampled_from(SUFFIXES),
)


def registry(root: str) -> JobGraph:
    return media_registry(
        root=root,
        source=f"{root}/../songs/{{item}}.ogg" if "://" not in root else f"{root}-songs/{{item}}.ogg",
        jobs={
            "downsample": {"step": "downsample", "needs": ["source"]},
            "loudness": {"step": "loudness", "needs": ["source"]},
            "loud": {
                "step": "loudness", "needs": ["source"],
                "output": "{root}/{job}/{fingerprint}/{item}.json",
            },
            "custom": {
                "step": "loudness", "needs": ["source"], "output": "{root}/{job}/0123456789ab/{item}.json",
            },
        },
    )  # fmt: skip


def expected(graph: JobGraph, items: tuple[str, ...], uris: set[str]) -> set[str]:
    """Say it the slow way: for every job, item or child and old name what its artifact would be called."""
    may_go = set()
    for job in ("downsample", "loudness", "loud"):
        made = recipe(graph, job)
        for folder in ("0123456789ab", "fedcba987654"):
            for item in (item + child for item in items for child in ("", "/~00001", "/~00002")):
                old = f"{graph.root}/{job}/{folder}/{item}"
                may_go.add(old + made.suffix)
                if job != "loud":
                    others = (".flac", ".wav", ".json", ".b", ".gz", ".tar")
                    may_go.update(old + other for other in others if not (old + other).endswith(made.suffix))
    return uris & may_go


@contextmanager
def world(kind: str, request: pytest.FixtureRequest) -> Iterator[tuple[str, Stores]]:
    if kind == "local":
        with tempfile.TemporaryDirectory() as folder:
            yield f"{folder}/root", Stores()
        return
    client = request.getfixturevalue("cloud").storage()
    bucket = f"clean-{uuid.uuid4().hex}"
    client.create_bucket(bucket)
    yield f"gs://{bucket}/root", Stores({"gs": lambda: GcsStore(client)})


def name_of(root: str, graph: JobGraph, path: tuple[str, str, str, str]) -> str:
    job, folder, item, suffix = path
    if folder == "CURRENT":
        folder = recipe(graph, job).fingerprint if job in graph.jobs else "0123456789ab"
    return f"{root}/{job}/{folder}/{item}{suffix}"


def fitting(uris: set[str], kind: str) -> set[str]:
    """Leave out what a file system cannot hold: a file where another's folder is."""
    if kind != "local":
        return uris
    folders = {uri[:i] for uri in uris for i, c in enumerate(uri) if c == "/"}
    return {uri for uri in uris - folders if not uri.endswith("/.")}


@pytest.mark.parametrize("kind", ["local", "gcs"])
@pytest.mark.parametrize("items", [FEW_ITEMS, MANY_ITEMS], ids=["few", "many"])
def test_just_the_old_artifacts_of_selected_items_go(kind, items, request):
    @settings(
        max_examples=60 if kind == "local" else 15,
        suppress_health_check=list(HealthCheck),
    )
    @given(there=st.sets(paths, max_size=40), chosen=st.sets(st.sampled_from(items), min_size=1))
    def check(there, chosen):
        chosen = tuple(sorted(chosen | set(items[7:])))
        with world(kind, request) as (root, stores):
            graph = registry(root)
            store = stores.for_uri(root)
            uris = fitting({name_of(root, graph, path) for path in there}, kind)
            for uri in uris:
                store.write(uri, b"12")
            layouts, refused = old_layouts(graph, graph.order)
            found = find_old(graph, layouts, pa.array(chosen, pa.large_string()), stores)
            wanted = expected(graph, chosen, uris)
            listed = [uri for old in found for uri in old.each()]
            assert sorted(listed) == sorted(wanted)
            assert sum(old.bytes for old in found) == 2 * len(wanted)
            assert set(refused) == {"custom"}
            assert delete_found(found, stores).count == len(wanted)
            left = {uri for batch in store.list_uris(f"{root}/") for uri in batch}
            assert left == uris - wanted

    check()
