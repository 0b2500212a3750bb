"""What ``beam_jobs.run`` costs above a bare ``multiprocessing.Pool`` that does the same work.

::

    python -m benchmarks.pool_overhead --fetch build/songs     # songs from Debian's archive, by apt-get
    python -m benchmarks.pool_overhead --songs FOLDER

All turn the same songs into mono FLAC at 22.05 kHz, one after the other in each round, the order changing
from round to round. ``pool`` is written by hand with soundfile and soxr, ``pool_step`` is a pool that calls
the downsample step's own function. CPU is all that the process and its children used, less what the same
command uses for two one-second songs (start-up). Wall is from the first song to the complete report.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.manifest import ManifestRow, encode_row

PACKAGES = ("wesnoth-1.16-music", "hyperrogue-music", "singularity-music")
RESULTS = Path(__file__).with_name("results")
SONG_S = 210.0
SHORTEST_S = 60.0
MAX_CPU, MAX_WALL = 1.15, 1.25
PARAMS = {"sample_rate": 22050, "channels": 1, "format": "flac"}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run of one side.

    :param wall_s: of the whole process.
    :param items_s: past start-up.
    :param cpu_s: of the process and its children.
    """

    wall_s: float
    items_s: float
    cpu_s: float
    media_s: float
    stages: dict[str, float]


def fetch(folder: Path) -> None:
    """Download and unpack the packages, without installing them."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", *PACKAGES], cwd=folder, check=True)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder / "unpacked"], check=True)
        package.unlink()


def run_timed(argv: list[str]) -> tuple[float, float, str]:
    """Run a command; return wall seconds, CPU seconds of it and all its children, and its output."""
    started = time.monotonic()
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{argv} ended with {process.returncode}")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, out


def run_pool(how: str, songs: list[Path], folder: Path, processes: int) -> Measured:
    """Run the bare pool."""
    listing = folder / "songs.txt"
    listing.write_text("".join(f"{song}\n" for song in songs))
    (folder / "out").mkdir()
    args = (how, str(listing), str(folder / "out"), str(processes))
    argv = [sys.executable, "-m", "benchmarks.bare_pool", *args]
    wall, cpu, out = run_timed(argv)
    told = json.loads(out)
    return Measured(wall_s=wall, items_s=told["items"], cpu_s=cpu, media_s=told["media_seconds"], stages={})


def run_beam(songs: list[Path], folder: Path, processes: int) -> Measured:
    """Run ``beam_jobs.run``."""
    (folder / "in").mkdir()
    items = [f"{number:03}" for number in range(len(songs))]
    for item, song in zip(items, songs, strict=True):
        (folder / "in" / f"{item}.ogg").symlink_to(song)
    manifest = folder / "manifest.jsonl"
    manifest.write_text("".join(f"{encode_row(ManifestRow(item=item))}\n" for item in items))
    spec = LaunchSpec(
        run_id="benchmark", job="downsample", step="downsample", params=PARAMS, manifest=str(manifest),
        total=len(items), inputs={"audio": f"{folder}/in/{{item}}.ogg"}, output=f"{folder}/out/{{item}}.flac",
        report=f"{folder}/report", concurrency=processes,
    )  # fmt: skip
    (folder / "launch.json").write_text(spec.model_dump_json())
    wall, cpu, _ = run_timed([sys.executable, "-m", "beam_jobs.run", str(folder / "launch.json")])
    summary = json.loads((folder / "report" / "summary.json").read_text())
    if summary["counts"]["done"] != len(items):
        raise SystemExit(f"not every song was done: {summary['counts']} {summary['errors']}")
    clock = summary["wall_seconds"]
    return Measured(
        wall_s=wall, items_s=clock["items"] + clock["report"], cpu_s=cpu,
        media_s=summary["media_seconds"], stages=summary["cpu_seconds"],
    )  # fmt: skip


Side = Callable[[list[Path], Path, int], Measured]
SIDES: dict[str, Side] = {
    "pool": partial(run_pool, "plain"),
    "pool_step": partial(run_pool, "step"),
    "beam": run_beam,
}


def measure(side: str, songs: list[Path], processes: int) -> Measured:
    """Run one side in a folder of its own, that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="pool-overhead-") as folder:
        return SIDES[side](songs, Path(folder), processes)


def tiny_songs(folder: Path) -> list[Path]:
    """Write two songs of a second, for what a start costs."""
    import numpy as np
    import soundfile

    paths = [folder / f"{number}.ogg" for number in range(2)]
    for path in paths:
        soundfile.write(path, np.zeros((44100, 2), np.float32), 44100, format="OGG", subtype="VORBIS")
    return paths


def run_rounds(songs: list[Path], *, rounds: int, processes: int) -> Iterator[dict[str, Any]]:
    """Measure all sides in turn; give what is known after each round."""
    names = list(SIDES)
    table: dict[str, list[Measured]] = {name: [] for name in names}
    starts: dict[str, list[Measured]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="pool-overhead-") as folder:
        tiny = tiny_songs(Path(folder))
        for name in names:
            measure(name, tiny, processes)  # files into memory, bytecode compiled
        for number in range(rounds):
            for name in names if number % 2 == 0 else reversed(names):
                starts[name].append(measure(name, tiny, processes))
                table[name].append(measure(name, songs, processes))
                print(number + 1, name, table[name][-1], file=sys.stderr, flush=True)
            yield summarise(table, starts, songs=len(songs), processes=processes)


def summarise(
    table: dict[str, list[Measured]], starts: dict[str, list[Measured]], *, songs: int, processes: int
) -> dict[str, Any]:
    """Reduce the rounds to ratios of pairs and to medians."""

    def start(name: str) -> float:
        return statistics.median(run.cpu_s for run in starts[name])

    def cpu(name: str) -> list[float]:
        return [run.cpu_s - start(name) for run in table[name]]

    def ratios(values: Callable[[str], list[float]], other: str) -> list[float]:
        pairs = zip(values("beam"), values(other), strict=True)
        return [round(ours / theirs, 3) for ours, theirs in pairs]

    def wall(name: str) -> list[float]:
        return [run.items_s for run in table[name]]

    ratio_table = {
        f"{what}_above_{other}": ratios(values, other)
        for what, values in (("cpu", cpu), ("wall", wall))
        for other in ("pool", "pool_step")
    }
    media = table["beam"][0].media_s
    stages = {
        stage: statistics.median(run.stages.get(stage, 0.0) for run in table["beam"]) / media * SONG_S
        for stage in table["beam"][0].stages
    }
    return {
        "songs": songs, "media_seconds": round(media, 1), "processes": processes,
        "rounds": len(table["beam"]),
        "ratios": {name: statistics.median(values) for name, values in ratio_table.items()},
        "ratios_by_round": ratio_table,
        "cpu_s_per_song": {name: statistics.median(cpu(name)) / media * SONG_S for name in table},
        "cpu_s_per_song_by_stage": stages,
        "wall_s": {name: statistics.median(wall(name)) for name in table},
        "start_up_cpu_s": {name: start(name) for name in starts},
        "start_up_wall_s": {
            name: statistics.median(run.wall_s - run.items_s for run in starts[name]) for name in starts
        },
        "runs": {name: [asdict(run) for run in runs] for name, runs in table.items()},
    }  # fmt: skip


def as_markdown(found: dict[str, Any]) -> str:
    """Return the result as a page."""
    stages = "\n".join(
        f"| {name} | {spent:.3f} |" for name, spent in found["cpu_s_per_song_by_stage"].items()
    )
    rows = "\n".join(
        f"| {title} | " + " | ".join(f"{found[key][name]:.{digits}f}" for name in SIDES) + " |"
        for title, key, digits in (
            ("CPU seconds per 3.5-minute song", "cpu_s_per_song", 3),
            ("wall seconds past start-up", "wall_s", 2),
            ("start-up, wall seconds", "start_up_wall_s", 2),
            ("start-up, CPU seconds", "start_up_cpu_s", 2),
        )
    )
    ratios = "\n".join(
        f"| {name.replace('_above_', ', beam / ')} | {found['ratios'][name]:.3f} | {values} |"
        for name, values in found["ratios_by_round"].items()
    )
    return f"""# What `beam_jobs.run` costs above a bare pool

{found["songs"]} songs ({found["media_seconds"] / 60:.0f} minutes of OGG Vorbis) to mono FLAC at 22.05 kHz,
{found["processes"]} processes, medians of {found["rounds"]} rounds with all sides in turn.
Made by `python -m benchmarks.pool_overhead`. `pool` is written by hand with soundfile and soxr, `pool_step`
calls the downsample step's own function. Targets: CPU {MAX_CPU}, wall past start-up {MAX_WALL}.

| | {" | ".join(SIDES)} |
|---|{"---|" * len(SIDES)}
{rows}

| ratio | median | by round |
|---|---|---|
{ratios}

CPU seconds of `beam_jobs.run` per 3.5-minute song by stage, from its report (`step` is what no other stage
holds: mixing and resampling):

| stage | CPU seconds |
|---|---|
{stages}
"""


def is_song(path: Path) -> bool:
    """Tell music from sounds, by its length."""
    import soundfile

    return bool(soundfile.info(path).duration >= SHORTEST_S)


def choose(songs: list[Path], count: int) -> list[Path]:
    """Return ``count`` songs from everywhere in the list."""
    step = max(1.0, len(songs) / count)
    return [songs[int(number * step)] for number in range(min(count, len(songs)))]


def main() -> None:
    """Measure, write the results, and say whether the targets are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--fetch", type=Path, metavar="FOLDER", help="download the songs to here first")
    where.add_argument("--songs", type=Path, metavar="FOLDER", help="use all *.ogg below this folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=60, help="use so many songs")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    if args.fetch:
        fetch(args.fetch)
    folder = (args.fetch or args.songs).resolve()
    songs = choose(sorted(song for song in folder.rglob("*.ogg") if is_song(song)), args.limit)
    if not songs:
        parser.error("no *.ogg there")
    RESULTS.mkdir(exist_ok=True)
    found: dict[str, Any] = {}
    for found in run_rounds(songs, rounds=args.rounds, processes=args.processes):
        (RESULTS / "pool_overhead.json").write_text(json.dumps(found, indent=1) + "\n")
        (RESULTS / "pool_overhead.md").write_text(as_markdown(found))
    print(as_markdown(found))
    limits = {"cpu": MAX_CPU, "wall": MAX_WALL}
    sys.exit(any(value > limits[name.partition("_")[0]] for name, value in found["ratios"].items()))


if __name__ == "__main__":
    main()
