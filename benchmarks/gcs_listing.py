"""What it costs to know what exists in a bucket: listings against a question per object.

Takes the inventory of all items and four jobs as a plan does, and counts requests. Then the obvious
alternative, in the same run and on the same server: ``exists`` in 64 threads, for a sample spread over all
objects, scaled up to all of them. Results go to ``benchmarks/results/``.

The server is ``benchmarks.listing_server`` on the loopback, which speaks the listing and looking part of the
JSON API. It is not the emulator that the tests use (fake-gcs-server): putting the n-th object there takes
time in proportion to n, so that it cannot be filled with 400,000. It answers in Python, one core for all:
a look costs computing here where it is waiting with a bucket.

    python -m benchmarks.gcs_listing                 # 100,000 items
    python -m benchmarks.gcs_listing --items 5000    # quick
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyarrow as pa

from airflow_media_provider.registry import JobGraph, media_registry
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.inventory import take_inventory
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.gcs import PAGE, GcsStore
from tests.airflow_env.ports import free_ports
from tests.airflow_env.processes import start_process, stop_groups
from tests.peers.gcs import gcs_client
from tests.waiting import wait_until

RESULTS = Path(__file__).parent / "results"
JOBS = ("downsample", "beat_tracking", "loudness", "spectral")
THREADS = 64
SERVER = """\
Both sides asked the same server (`benchmarks/listing_server.py`) in the same run. It is not the emulator of
the tests: putting the n-th object into fake-gcs-server takes time in proportion to n, so it cannot be filled
with as many. That no object is asked for and that pages are full is tested on that one, too
(`tests/integration/test_gcs_listing.py`)."""


def main() -> None:
    """Fill, list, ask, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--sample", type=int, default=5000, help="objects that are asked for one by one")
    parser.add_argument("--rounds", type=int, default=5, help="the median by ratio is told")
    args = parser.parse_args()
    graph = registry()
    items = pa.array(sorted(f"label {n % 97:02}/song {n:07}" for n in range(args.items)), pa.large_string())
    row = {"items": args.items, "jobs": len(JOBS), "objects": args.items * len(JOBS)}
    with tempfile.TemporaryDirectory() as folder, listing_server(Path(folder), graph, items) as url:
        rounds = [one_round(graph, items, url, args.sample) for _ in range(args.rounds)]
    rounds.sort(key=lambda measured: measured["times_faster"])
    row |= rounds[len(rounds) // 2]
    row |= {"rounds": len(rounds), "least": rounds[0]["times_faster"], "most": rounds[-1]["times_faster"]}
    print(line(row))
    if args.items == parser.get_default("items"):
        (RESULTS / "gcs_listing.json").write_text(json.dumps(row, indent=1) + "\n")
        (RESULTS / "gcs_listing.md").write_text(f"# Inventory of a bucket\n\n{line(row)}\n\n{SERVER}\n")


def one_round(graph: JobGraph, items: pa.LargeStringArray, url: str, sample: int) -> dict[str, Any]:
    """List, and right after it ask."""
    row = by_listing(graph, items, gcs_client(url)) | by_asking(graph, items, gcs_client(url), sample)
    return {**row, "times_faster": round(row["exists_s"] / row["listing_s"], 1)}


def registry() -> JobGraph:
    """Return four jobs of the reference graph."""
    parents = {"beat_tracking": "downsample", "spectral": "downsample"}
    jobs = {job: {"step": job, "needs": [parents.get(job, "source")]} for job in JOBS}
    return media_registry(root="gs://bucket/media", source="gs://bucket/songs/{item}.ogg", jobs=jobs)


@contextlib.contextmanager
def listing_server(folder: Path, graph: JobGraph, items: pa.LargeStringArray) -> Iterator[str]:
    """Serve artifacts of every job for every item, in a process of its own."""
    names = folder / "names.txt"
    ids = items.to_pylist()
    addresses = [recipe(graph, job).address for job in JOBS]
    uris = (address.of(item).removeprefix("gs://bucket/") for address in addresses for item in ids)
    names.write_text("".join(f"{uri}\n" for uri in uris))
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "benchmarks.listing_server", str(port), str(names)]
    server = start_process(command, log=folder / "server.log", env=dict(os.environ), cwd=Path.cwd())
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(url), patience=60, what="the server does not answer", every=0.2)
        yield url
    finally:
        stop_groups([server])


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/storage/v1/b/bucket", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def count_requests(client: Any) -> Counter[str]:
    """Count what a client asks from now on, as ``list``, ``object`` and ``bucket``."""
    requests: Counter[str] = Counter()

    def note(answer: Any, *_: Any, **__: Any) -> None:
        path = urlsplit(answer.url).path
        requests["list" if path.endswith("/o") else "object" if "/o/" in path else "bucket"] += 1

    client._http.hooks["response"].append(note)
    return requests


def by_listing(graph: JobGraph, items: pa.LargeStringArray, client: Any) -> dict[str, Any]:
    """Take the inventory of all jobs."""
    requests = count_requests(client)
    stores = Stores({"gs": lambda: GcsStore(client)})
    wall, cpu = time.monotonic(), time.process_time()
    found = take_inventory(graph, JOBS, items, stores, source=False, stale=False)
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    if not all(there.all() for there in found.present.values()):
        raise RuntimeError("the inventory misses something")
    pages = len(items) * len(JOBS) / PAGE
    return {
        "listing_s": round(wall, 2),
        "listing_cpu_s": round(cpu, 2),
        "list_requests": requests["list"],
        "requests_per_page": round(requests["list"] / pages, 3),
        "object_requests": requests["object"],
    }


def by_asking(graph: JobGraph, items: pa.LargeStringArray, client: Any, sample: int) -> dict[str, Any]:
    """Ask for a sample one by one in many threads, as one would without listings."""
    from requests.adapters import HTTPAdapter

    client._http.mount("http://", HTTPAdapter(pool_connections=THREADS, pool_maxsize=THREADS))
    store = GcsStore(client)
    every = len(items) * len(JOBS)
    sample = min(sample, every)
    addresses = [recipe(graph, job).address for job in JOBS]
    places = (n * every // sample for n in range(sample))
    uris = [addresses[place // len(items)].of(items[place % len(items)].as_py()) for place in places]
    with ThreadPoolExecutor(THREADS) as pool:
        wall = time.monotonic()
        if not all(pool.map(store.exists, uris)):
            raise RuntimeError("an object is not there")
        wall = time.monotonic() - wall
    return {
        "exists_sample": sample,
        "exists_sample_s": round(wall, 2),
        "exists_s": round(wall * every / sample, 1),
    }


def line(row: dict[str, Any]) -> str:
    """Return a result as a sentence."""
    said = (
        "{items:,} items x {jobs} jobs: inventory {listing_s} s ({listing_cpu_s} CPU-s), {list_requests} "
        "requests = {requests_per_page} x objects/page, {object_requests} per object; `exists` in 64 threads "
        "{exists_s} s (from {exists_sample:,} of them in {exists_sample_s} s): {times_faster}x "
        "(median of {rounds} rounds, {least}x to {most}x)"
    )
    return said.format(**row)


if __name__ == "__main__":
    main()
