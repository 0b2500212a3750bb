"""What fusing saves: five jobs over real songs on storage that answers after 20 ms, fused and not.

``graph`` launches one worker process per job, as the tasks of an Airflow DAG do; ``one process`` gives all
jobs to one worker, one after the other; ``fused`` does them together, item by item. Storage is a server on
loopback behind a relay that delays each way by half of the latency. Results go to ``benchmarks/results/``.

    sh scripts/real_songs.sh && python -m benchmarks.fusion
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow_media_provider.registry import media_registry
from airflow_media_provider.registry.groups import JobGroup
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.runners.launch import launch
from airflow_media_provider.runs.here import plan_and_save, run_here
from airflow_media_provider.runs.look import look_again
from airflow_media_provider.runs.outcome import read_outcome
from airflow_media_provider.runs.request import parse_request
from airflow_media_provider.runs.spec import write_spec
from airflow_media_provider.runs.stored import StoredPlan
from airflow_media_provider.storage import Stores
from benchmarks.delay_line import Traffic, delay_line
from tests.peers.cloud import storage_env
from tests.peers.gcs import gcs_client, gcs_server
from tests.real_songs import real_songs

RESULTS = Path(__file__).parent / "results"
JOBS = {
    "downsample": {"step": "downsample", "needs": ["source"]},
    "loudness": {"step": "loudness", "needs": ["source"]},
    "beats": {"step": "beat_tracking", "needs": ["downsample"]},
    "energy": {"step": "energy", "needs": ["downsample", "beats"]},
    "spectral": {"step": "spectral", "needs": ["downsample"]},
}
SIDES = ("graph", "one process", "fused")


def main() -> None:
    """Measure all sides in turn, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--songs", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency-ms", type=float, default=20)
    args = parser.parse_args()
    songs = real_songs(args.songs)
    if len(songs) < args.songs:
        sys.exit(f"{len(songs)} real songs are there, {args.songs} are wanted; run scripts/real_songs.sh")
    with tempfile.TemporaryDirectory() as name, gcs_server(Path(name)) as url:
        where = urlsplit(url)
        latency_s = args.latency_ms / 1000
        with delay_line(str(where.hostname), int(where.port or 0), round_trip_s=latency_s) as line:
            items = upload(url, songs)
            os.environ |= storage_env(Path(name), line.url)
            rounds = [measure(line, items, number) for number in range(-1, args.rounds)][1:]
    result = {"songs": len(songs), "latency_ms": args.latency_ms, "rounds": rounds}
    text = table(result)
    print(text)
    if args.songs == parser.get_default("songs"):
        (RESULTS / "fusion.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / "fusion.md").write_text(text)


def upload(url: str, songs: list[Path]) -> list[str]:
    """Put the songs into a bucket and return their items."""
    client = gcs_client(url)
    bucket = client.create_bucket("songs")
    client.create_bucket("artifacts")
    for number, song in enumerate(songs):
        bucket.blob(f"{number:03}.ogg").upload_from_filename(str(song))
    return [f"{number:03}" for number in range(len(songs))]


def measure(line: Traffic, items: list[str], number: int) -> dict[str, dict[str, float]]:
    """Run every side once; the first round, of two songs, compiles what is compiled and is not counted."""
    found = {}
    for side in SIDES:
        root = f"gs://artifacts/{side.replace(' ', '-')}-{number}"
        graph = media_registry(root=root, source="gs://songs/{item}.ogg", jobs=JOBS)
        if side == "fused":
            graph = replace(graph, groups={"all": JobGroup(name="all", jobs=graph.order, fuse=True)})
        run = run_graph if side == "graph" else run_together
        some = items if number >= 0 else items[:2]
        found[side] = timed(line, partial(run, graph, some))
    return found


def timed(line: Traffic, run: Callable[[], None]) -> dict[str, float]:
    """Return wall and CPU seconds of the workers, and the bytes that they read."""
    cpu, read, started = child_cpu(), line.received, time.perf_counter()
    run()
    wall = time.perf_counter() - started
    return {"wall_s": wall, "cpu_s": child_cpu() - cpu, "read_mb": (line.received - read) / 1e6}


def run_together(graph: JobGraph, items: list[str]) -> None:
    """Run all jobs by one worker process."""
    plan = plan_of(graph, items)
    result = run_here(plan, stores=Stores(), python=sys.executable, on_event=ignore, on_line=ignore)
    check(plan, all(outcome.counts["done"] == len(items) for outcome in result.outcomes))


def run_graph(graph: JobGraph, items: list[str]) -> None:
    """Run each job as its tasks would: look, launch, wait, judge."""
    plan, stores = plan_of(graph, items), Stores()
    for job in plan.jobs:
        manifest = look_again(plan, job, stores)
        spec = write_spec(plan, manifest, stores)
        done = launch([spec], python=sys.executable, on_event=ignore, on_line=ignore)
        outcome = read_outcome(plan, manifest, stores)
        check(plan, done.exit_code == 0 and outcome.counts["done"] == len(items))


def plan_of(graph: JobGraph, items: list[str]) -> StoredPlan:
    """Plan all jobs."""
    return plan_and_save(graph, parse_request({"items": items}), stores=Stores(), run_id="run")


def check(plan: StoredPlan, done: bool) -> None:
    """End when a run did not do its work: its time would mean nothing."""
    if not done:
        sys.exit(f"{plan.layout.uri}: not every artifact was made")


def ignore(_: Any) -> None:
    """Take what a worker says."""


def child_cpu() -> float:
    """Return the CPU seconds of all children that ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def table(result: dict[str, Any]) -> str:
    """Return the medians, and the ratios of each round."""
    rounds = result["rounds"]
    rows = [
        f"| {side} | " + " | ".join(f"{median(rounds, side, what):.1f}" for what in rounds[0][side]) + " |"
        for side in SIDES
    ]
    ratios = [
        f"| {what}, {side} / fused | {statistics.median(by):.2f} | {', '.join(f'{one:.2f}' for one in by)} |"
        for side in SIDES[:2]
        for what in rounds[0][side]
        for by in [[one[side][what] / one["fused"][what] for one in rounds]]
    ]
    about = f"""# What fusing saves

{result["songs"]} real songs in OGG Vorbis, five jobs (downsample, loudness, beats, energy, spectral),
storage that answers after {result["latency_ms"]:g} ms, two cores. Medians of {len(rounds)} rounds with all
sides in turn, made by `python -m benchmarks.fusion`. `graph` is a worker process per job, as the tasks of a
DAG start them (without the scheduler's own time); `one process` gives all jobs to one worker.
"""
    head = ("| side | wall s | CPU s | read MB |", "|---|---|---|---|")
    more = ("", "| ratio | median | by round |", "|---|---|---|")
    return "\n".join((about, *head, *rows, *more, *ratios, ""))


def median(rounds: list[dict[str, dict[str, float]]], side: str, what: str) -> float:
    """Return the median over rounds."""
    return statistics.median(one[side][what] for one in rounds)


if __name__ == "__main__":
    main()
