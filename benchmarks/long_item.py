"""Whether a core waits for one long item: a podcast of six hours, last in the manifest, and 500 songs.

The same job runs twice, with the biggest item in hand begun first (as ever), and in the order of the
manifest. The ideal is the work of all steps, or the podcast alone, whichever takes longer, with every core
busy. Results go to ``benchmarks/results/``.

    python -m benchmarks.long_item
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.manifest import ManifestRow, encode_row
from beam_jobs.contract.report import decode_report_row

RESULTS = Path(__file__).parent / "results"
RATE = 44_100
CORES = 2
IN_ORDER = (
    "import sys; from beam_jobs.pipelines.item import Work; "
    "Work.size = property(lambda work: 0); from beam_jobs.run import main; sys.exit(main(sys.argv[1:]))"
)
AS_EVER = "import sys; from beam_jobs.run import main; sys.exit(main(sys.argv[1:]))"


def main() -> None:
    """Measure both, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=float, default=6)
    parser.add_argument("--songs", type=int, default=500)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        items = [f"song {number:04}" for number in range(args.songs)]
        song = make(folder / "in" / f"{items[0]}.ogg", seconds=40)
        for item in items[1:]:
            (folder / "in" / f"{item}.ogg").hardlink_to(song)
        make(folder / "in" / "z podcast.ogg", seconds=args.hours * 3600)
        items.append("z podcast")
        run(folder, items[:2], "warm up", AS_EVER)
        sides = {"biggest first": AS_EVER, "in order": IN_ORDER}
        rows = {side: run(folder, items, side, code) for side, code in sides.items()}
    result = {"hours": args.hours, "songs": args.songs, "sides": rows}
    text = table(result)
    print(text)
    if args.songs == parser.get_default("songs"):
        (RESULTS / "long_item.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / "long_item.md").write_text(text)


def make(path: Path, *, seconds: float) -> Path:
    """Write noise over a tone, block by block."""
    path.parent.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    second = 0.2 * np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)
    with soundfile.SoundFile(path, "w", RATE, 1, format="OGG", subtype="VORBIS") as file:
        for _ in range(round(seconds)):
            file.write((second + 0.02 * random.standard_normal(RATE)).astype(np.float32))
    return path


def run(folder: Path, items: list[str], side: str, code: str) -> dict[str, Any]:
    """Run the job and return its wall seconds, the ideal and the share of the cores' time that was idle."""
    home = folder / side
    home.mkdir()
    (home / "manifest.jsonl").write_text("".join(f"{encode_row(ManifestRow(item=i))}\n" for i in items))
    spec = LaunchSpec(
        run_id="bench", job="downsample", step="downsample", manifest=str(home / "manifest.jsonl"),
        total=len(items), inputs={"audio": f"{folder}/in/{{item}}.ogg"}, output=f"{home}/out/{{item}}.flac",
        report=f"{home}/report", concurrency=CORES,
    )  # fmt: skip
    (home / "spec.json").write_text(spec.model_dump_json())
    subprocess.run([sys.executable, "-c", code, str(home / "spec.json")], check=True, capture_output=True)
    summary = json.loads((home / "report" / "summary.json").read_text())
    lines = [line for part in (home / "report").glob("part-*") for line in part.read_text().splitlines()]
    spent = {row.item: sum(row.seconds.values()) for row in map(decode_report_row, lines)}
    wall = summary["wall_seconds"]["items"]
    ideal = max(sum(spent.values()) / CORES, *spent.values())
    idle = 1 - sum(spent.values()) / (CORES * wall)
    return {
        "wall_s": wall,
        "ideal_s": round(ideal, 2),
        "above_ideal": round(wall / ideal, 3),
        "idle": round(idle, 3),
    }


def table(result: dict[str, Any]) -> str:
    """Return both sides."""
    columns = ("{wall_s:.1f}", "{ideal_s:.1f}", "{above_ideal:.2f}", "{idle:.0%}")
    rows = [
        f"| {side} | {' | '.join(column.format(**row) for column in columns)} |"
        for side, row in result["sides"].items()
    ]
    return f"""# One long item among many

One podcast of {result["hours"]:g} hours, last in the manifest, and {result["songs"]} songs of 40 s to FLAC by
`downsample`, two cores. Made by `python -m benchmarks.long_item`. The ideal is the seconds of all items over
two cores, or those of the longest item; `idle` is the share of the cores' time in which they had no item.

| order | wall s | ideal s | wall / ideal | idle |
|---|---|---|---|---|
""" + "\n".join((*rows, ""))


if __name__ == "__main__":
    main()
