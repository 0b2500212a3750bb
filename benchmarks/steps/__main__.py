"""One table of all steps: CPU seconds per minute of media, and how many times faster than it plays.

Each step and each alternative that is installed runs in a process of its own over the same files, one call
that pays for imports and compilers and then one per file; the table has the medians. Results go to
``benchmarks/results/``.

    sh scripts/real_songs.sh && python -m benchmarks.steps
    python -m benchmarks.steps key pitch      # only these; writes no results
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from beam_jobs.contract.step import builtin_steps
from benchmarks.steps.cold import COMPILING, cold_line, cold_table, measure_cold
from benchmarks.steps.instead import INSTEAD, WITHOUT, is_there
from benchmarks.steps.media import Sample, first_seconds, samples_for

RESULTS = Path(__file__).parents[1] / "results"
OWN = "-"
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def main() -> None:
    """Measure all, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("steps", nargs="*", help="default: all")
    parser.add_argument("--songs", type=int, default=5)
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for step in args.steps or builtin_steps():
            samples = samples_for(step, Path(name), songs=args.songs)
            own = measure(step, OWN, samples)
            print(line(own, own), flush=True)
            rows.append(own)
            for alternative in filter(is_there, INSTEAD.get(step, {})):
                rows.append(measure(step, alternative, samples))
                print(line(rows[-1], own), flush=True)
        cold = []
        for step in (step for step in COMPILING if step in (args.steps or COMPILING)):
            cold.append(measure_cold(step, first_seconds(Path(name)), _as_a_child()))
            print(cold_line(cold[-1]), flush=True)
    if not args.steps:
        (RESULTS / "steps.json").write_text(json.dumps({"steps": rows, "cold": cold}, indent=1) + "\n")
        (RESULTS / "steps.md").write_text(f"{table(rows, args.songs)}\n{cold_table(cold)}")


def _as_a_child() -> dict[str, str]:
    """Return what a worker's child has in its environment."""
    return dict.fromkeys(ONE_THREAD, "1")


def measure(step: str, alternative: str, samples: list[Sample]) -> dict[str, Any]:
    """Run one of them over the samples."""
    files = (str(sample.path) for sample in samples)
    command = [sys.executable, "-m", "benchmarks.steps.one", step, alternative, *files]
    env = {**os.environ, **_as_a_child()}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    row: dict[str, Any] = {"step": step, "what": alternative}
    if done.returncode:
        return {**row, "error": done.stderr.strip().splitlines()[-1][:200]}
    told = json.loads(done.stdout.splitlines()[-1])
    per_minute = [
        {key: 60 * spent[key] / sample.seconds for key in ("cpu_s", "wall_s")}
        for spent, sample in zip(told["steady"], samples, strict=True)
    ]
    cpu = statistics.median(one["cpu_s"] for one in per_minute)
    first = told["warm_up"]["wall_s"] + told["first"]["wall_s"]
    return {
        **row, "unit": samples[0].unit, "cpu_s_per_minute": round(cpu, 4), "x_realtime": round(60 / cpu, 1),
        "first_item_s": round(first, 2), "same_item_again_s": round(told["steady"][0]["wall_s"], 3),
        "peak_mb": round(told["peak_mb"]),
    }  # fmt: skip


def line(row: dict[str, Any], own: dict[str, Any]) -> str:
    """Return a row of the table."""
    name = f"**{row['step']}**" if row["what"] == OWN else row["what"]
    if "error" in row:
        return f"| {name} | {row['error']} | | | | | |"
    ratio = ""
    if row is not own and "error" not in own:
        ratio = f"{row['cpu_s_per_minute'] / own['cpu_s_per_minute']:.2f}"
    faster = f"{row['x_realtime']:.0f}" if row["unit"] == "minute" else ""
    return (
        f"| {name} | {row['cpu_s_per_minute']:.4g} | {faster} | {ratio} | {row['first_item_s']} "
        f"| {row['same_item_again_s']} | {row['peak_mb']} |"
    )


def table(rows: list[dict[str, Any]], songs: int) -> str:
    """Return the whole page."""
    own = {row["step"]: row for row in rows if row["what"] == OWN}
    lines = "\n".join(line(row, own[row["step"]]) for row in rows)
    without = "\n".join(f"- `{step}`: {reason}" for step, reason in WITHOUT.items())
    return f"""# Steps, and what one would use instead

CPU seconds per minute of media (per 60 pictures, for images), medians over {songs} real songs in OGG Vorbis
and over generated pictures and video; one process, one thread. Decoding is part of it. *times* is the
alternative's CPU by the step's: above 1 the step is faster. *first item* has imports and warm-up in it. Made
by `python -m benchmarks.steps`.

| step | CPU s | x realtime | times | first item, s | same again, s | peak MB |
|---|---|---|---|---|---|---|
{lines}

Beside these steps nothing stands, for nothing that can be installed does the same:

{without}
"""


if __name__ == "__main__":
    main()
