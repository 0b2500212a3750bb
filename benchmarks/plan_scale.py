"""How planning scales: the reference graph over 10,000 to 1,000,000 items, from memory and from local files.

Each size is planned in a process of its own, pinned to one core, so that peak memory is that size's alone.
The same share of everything is there at each size: every source, and of each job's artifacts what ``SHARES``
says; twenty files lie in a folder. The slope of CPU seconds over items, in logarithms, is 1 when linear; what
a process costs at its start pulls it down for small sizes. Results go to ``benchmarks/results/``.

    python -m benchmarks.plan_scale                 # all sizes; local files for up to a million on a tmpfs
    python -m benchmarks.plan_scale --sizes 10000   # quick
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
SIZES = (10_000, 100_000, 1_000_000)
SHARES = {"downsample": 50, "beat_tracking": 25, "energy": 10, "loudness": 10, "spectral": 10, "plots": 10}
"""Percent of the items."""
NEEDS = {"energy": ["downsample", "beat_tracking"], "downsample": ["source"], "loudness": ["source"]}


def main() -> None:
    """Measure every size and source of listings, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--kinds", nargs="+", default=["memory", "local"])
    parser.add_argument("--one", nargs=3, metavar=("KIND", "SIZE", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.one[0], int(args.one[1]), Path(args.one[2]))))
        return
    rows = []
    for kind in args.kinds:
        for size in args.sizes:
            with tempfile.TemporaryDirectory(dir=_roomy(), prefix="plan-scale-") as folder:
                if kind == "local":
                    make_files(Path(folder), size)
                rows.append(_in_a_process(kind, size, folder))
                print(line(rows[-1]), flush=True)
    write_results(rows)


def _in_a_process(kind: str, size: int, folder: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.plan_scale", "--one", kind, str(size), folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def measure(kind: str, size: int, folder: Path) -> dict[str, Any]:
    """Plan once, the selection given as a list file, and write the plan as a run does.

    :return: seconds per stage, peak memory in MB (of the process, and what planning added to it).
    """
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from airflow_media_provider.runs.here import plan_and_save
    from airflow_media_provider.runs.plan import make_plan
    from airflow_media_provider.runs.request import parse_request
    from airflow_media_provider.storage import Stores

    root = f"file://{folder}" if kind == "local" else "memory://bucket"
    graph = reference_graph(root)
    listing = folder / "items.txt"
    listing.write_text("".join(f"{item_id(n)}\n" for n in range(size)))
    stores = Stores({"memory": lambda: World(graph, size)})
    request = parse_request({"items_uri": f"file://{listing}"})
    before = _peak_mb()
    wall, cpu, counts = _timed(lambda: make_plan(graph, request, stores).counts())
    row = {
        "listing": kind,
        "items": size,
        "jobs": len(SHARES),
        "cells_to_run": sum(count["run"] for count in counts.values()),
        "plan_seconds": wall,
        "plan_cpu_seconds": cpu,
        "peak_mb": round(_peak_mb()),
        "added_mb": round(_peak_mb() - before),
    }
    if kind == "local":
        wall, cpu, _ = _timed(lambda: plan_and_save(graph, request, stores=stores, run_id="run"))
        row |= {
            "with_save_seconds": wall,
            "with_save_cpu_seconds": cpu,
            "with_save_peak_mb": round(_peak_mb()),
        }
    return row


def _timed(call: Callable[[], Any]) -> tuple[float, float, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return round(time.perf_counter() - wall, 3), round(time.process_time() - cpu, 3), result


def reference_graph(root: str) -> Any:
    """Return the reference graph over ``root``."""
    from airflow_media_provider.registry import media_registry

    jobs = {job: {"step": job, "needs": NEEDS.get(job, ["downsample"])} for job in SHARES}
    return media_registry(root=f"{root}/artifacts", source=f"{root}/songs/{{item}}.ogg", jobs=jobs)


def item_id(number: int) -> str:
    """Return an id of a usual length, twenty to a folder."""
    album = number // 20
    return f"label-{album // 50:05d}/album-{album:06d}/track-{number:09d}"


def addresses(graph: Any) -> list[tuple[Any, int]]:
    """Return where each job's artifacts are and which share of the items has one."""
    from airflow_media_provider.catalog.reference import source_address
    from airflow_media_provider.registry.recipe import recipe

    return [
        (source_address(graph), 100),
        *((recipe(graph, job).address, share) for job, share in SHARES.items()),
    ]


class World:
    """A store that lists what should be there, and holds nothing: memory is then the planner's own."""

    def __init__(self, graph: Any, size: int) -> None:
        self._addresses = {address.prefix: (address, share) for address, share in addresses(graph)}
        self._size = size

    def list_uris(self, prefix: str, *, start: str = "", end: str = "") -> Any:
        """Yield the URIs in batches."""
        address, share = self._addresses[prefix]
        batch = []
        for number in range(self._size):
            if number % 100 < share:
                batch.append(f"{prefix}{item_id(number)}{address.suffix}")
                if len(batch) == 10_000:
                    yield batch
                    batch = []
        yield batch

    def list_folders(self, prefix: str) -> Any:
        """Yield the one fingerprint of each job."""
        return [known for known in self._addresses if known.startswith(prefix)]


def make_files(folder: Path, size: int) -> None:
    """Make empty files for everything that is there."""
    for address, share in addresses(reference_graph(f"file://{folder}")):
        base = address.prefix.removeprefix("file://")
        for number in range(size):
            if number % 100 < share:
                path = f"{base}{item_id(number)}{address.suffix}"
                try:
                    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
                except FileNotFoundError:
                    Path(path).parent.mkdir(parents=True, exist_ok=True)
                    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))


def _roomy() -> str | None:
    """Return a folder in memory when there is one: what is measured is planning, not a disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def slopes(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return the slope of CPU seconds over items in logarithms, from each size to the next and over all."""
    pairs = [*itertools.pairwise(rows), *([(rows[0], rows[-1])] if len(rows) > 2 else [])]
    found = {}
    for first, last in pairs:
        rise = math.log(last["plan_cpu_seconds"] / first["plan_cpu_seconds"])
        name = f"{first['items']:,} to {last['items']:,}"
        found[name] = round(rise / math.log(last["items"] / first["items"]), 2)
    return found


def line(row: dict[str, Any]) -> str:
    """Return one row for people."""
    rate = round(row["items"] / row["plan_seconds"])
    cells = (
        row["listing"], f"{row['items']:,}", row["plan_seconds"], row["plan_cpu_seconds"], f"{rate:,}",
        row["peak_mb"], row["added_mb"],
        row.get("with_save_cpu_seconds", "–"), row.get("with_save_peak_mb", "–"),
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


HEAD = (
    "| listing | items | plan, s | plan, CPU s | items/s | peak MB | added MB "
    "| plan and save, CPU s | peak MB |"
)


def write_results(rows: list[dict[str, Any]]) -> None:
    """Write the results as JSON and as a table."""
    kinds = {kind: [row for row in rows if row["listing"] == kind] for kind in ("memory", "local")}
    slope = {kind: slopes(some) for kind, some in kinds.items() if some}
    table = [
        "# Planning at scale",
        "",
        f"{len(SHARES)} jobs on one core, each row in a process of its own, from a list file of all items.",
        "`python -m benchmarks.plan_scale` repeats it.",
        "",
        HEAD,
        "|---" * 9 + "|",
        *map(line, rows),
        "",
        "Slope of CPU seconds over items, 1 is linear: "
        + "; ".join(
            f"{kind} {sizes}: {value}" for kind, some in slope.items() for sizes, value in some.items()
        ),
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "plan_scale.json").write_text(json.dumps({"rows": rows, "slope": slope}, indent=1) + "\n")
    (RESULTS / "plan_scale.md").write_text("\n".join(table) + "\n")
    print("\n".join(table))


if __name__ == "__main__":
    main()
