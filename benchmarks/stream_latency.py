"""How long a stream takes from a published message to its artifact: at a steady rate, and after a burst.

A stream of ``downsample`` serves songs of half a second, with a Pub/Sub server on loopback: once with songs
and artifacts in local files, once on a storage server on loopback. The time of a message runs from just
before it is published until its artifact has its name. Results go to ``benchmarks/results/``.

    python -m benchmarks.stream_latency
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from airflow_media_provider.registry import media_registry
from airflow_media_provider.runs.stream_spec import stream_spec
from tests.integration.songs import make_songs
from tests.peers.cloud import Cloud, cloud_servers
from tests.waiting import wait_until

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure both, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steady", type=int, default=100, help="messages, four a second")
    parser.add_argument("--burst", type=int, default=200, help="messages at once")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, cloud_servers(Path(name)) as cloud:
        rows = [
            row
            for place in (Files(Path(name)), Bucket(Path(name), cloud))
            for row in measure(place, cloud, args.steady, args.burst)
        ]
    text = "\n".join(f"- {row['what']}: {line(row)}" for row in rows)
    print(text)
    if args.steady == parser.get_default("steady"):
        (RESULTS / "stream_latency.json").write_text(json.dumps(rows, indent=1) + "\n")
        (RESULTS / "stream_latency.md").write_text(f"# From message to artifact\n\n{text}\n")


class Files:
    """Songs and artifacts on local disk."""

    name = "files"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / self.name
        self.home = f"file://{self.folder}"

    def make_songs(self, items: list[str]) -> None:
        """Write the songs."""
        make_songs(self.folder / "songs", items, seconds=0.5)

    def made(self) -> dict[str, float]:
        """Return when each artifact appeared."""
        paths = (self.folder / "artifacts" / "downsample").glob("*/song*.flac")
        return {path.stem: path.stat().st_ctime for path in paths}


class Bucket(Files):
    """Songs and artifacts on a storage server."""

    name = "bucket"

    def __init__(self, folder: Path, cloud: Cloud) -> None:
        super().__init__(folder)
        self.bucket = cloud.storage().create_bucket("latency")
        self.home = "gs://latency"

    def make_songs(self, items: list[str]) -> None:
        """Write the songs and upload them."""
        super().make_songs(items)
        for item in items:
            name = f"songs/{item}.ogg"
            self.bucket.blob(name).upload_from_filename(self.folder / name)

    def made(self) -> dict[str, float]:
        """Return when each artifact appeared, as the server says."""
        blobs = self.bucket.list_blobs(prefix="artifacts/downsample/")
        return {Path(blob.name).stem: blob.time_created.timestamp() for blob in blobs}


def measure(place: Files, cloud: Cloud, steady: int, burst: int) -> list[dict[str, Any]]:
    """Serve all messages by one stream."""
    items = [f"song {n:04}" for n in range(1 + steady + burst)]
    place.make_songs(items)
    folder, pubsub, name = place.folder, cloud.pubsub(), f"latency-{place.name}"
    topic = pubsub.topic(name, name)
    graph = media_registry(
        root=f"{place.home}/artifacts",
        source=f"{place.home}/songs/{{item}}.ogg",
        jobs={"downsample": {"step": "downsample", "needs": ["source"]}},
    )
    spec = stream_spec(graph, "downsample", subscription=pubsub.subscription(name))
    (folder / "spec.json").write_text(spec.model_dump_json())
    with (folder / "stream.log").open("wb") as log:
        stream = subprocess.Popen(
            [sys.executable, "-m", "beam_jobs.stream", str(folder / "spec.json")],
            env={**os.environ, **cloud.env}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        warm, *rest = items
        publish(pubsub, topic, [warm], every=0)
        wait_for(place, [warm])
        asked = publish(pubsub, topic, rest[:steady], every=0.25)
        made = wait_for(place, rest[:steady])
        rows = [result(f"{place.name}, four messages a second", asked, made)]
        asked = publish(pubsub, topic, rest[steady:], every=0)
        made = wait_for(place, rest[steady:])
        rows.append(result(f"{place.name}, {burst} messages at once", asked, made))
    finally:
        stream.send_signal(signal.SIGTERM)
        stream.wait(60)
    return rows


def publish(pubsub: Any, topic: str, items: list[str], *, every: float) -> dict[str, float]:
    """Return when each item was asked for."""
    if not every:
        now = time.time()
        pubsub.publish(topic, *(item.encode() for item in items))
        return dict.fromkeys(items, now)
    asked = {}
    for item in items:
        asked[item] = time.time()
        pubsub.publish(topic, item.encode())
        time.sleep(every)
    return asked


def wait_for(place: Files, items: list[str]) -> dict[str, float]:
    """Return when each item's artifact appeared."""

    def all_made() -> dict[str, float] | None:
        made = place.made()
        return made if made.keys() >= set(items) else None

    log = (place.folder / "stream.log").read_text()[-2000:]
    return wait_until(all_made, patience=300, every=0.2, what=log)


def result(what: str, asked: dict[str, float], made: dict[str, float]) -> dict[str, Any]:
    """Return the distribution of the times between."""
    waits = [made[item] - when for item, when in asked.items()]
    cuts = statistics.quantiles(waits, n=20)
    return {
        "what": what,
        "messages": len(waits),
        "p50_s": round(statistics.median(waits), 3),
        "p95_s": round(cuts[-1], 3),
        "max_s": round(max(waits), 3),
    }


def line(row: dict[str, Any]) -> str:
    """Return a result as a sentence."""
    return "p50 {p50_s} s, p95 {p95_s} s, at most {max_s} s ({messages} messages)".format(**row)


if __name__ == "__main__":
    main()
