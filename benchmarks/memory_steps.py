"""How much memory each step needs for three hours of stereo at 44.1 kHz, above the idle process.

::

    python -m benchmarks.memory_steps                  # every step over audio
    python -m benchmarks.memory_steps loudness split   # only these; other rows of the table stay
    python -m benchmarks.memory_steps pitch --minutes 20      # instead of three hours; writes no results

Each step runs in a process of its own, which tells its memory after the warm-up (idle), after a song of three
minutes, and its peak with three hours. The disk needs room for two such files.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from beam_jobs.contract.step import load_step
from tests.samples import RATE, song

RESULTS = Path(__file__).with_name("results")
STREAMING: Final = (
    "probe", "quality", "downsample", "transcode", "split", "loudness", "energy", "plots", "excerpt",
)  # fmt: skip
OTHERS: Final = (
    "beat_tracking", "onsets", "key", "spectral", "mel_spectrogram", "mfcc", "chroma", "fingerprint",
    "speechiness", "instrumentalness", "pitch", "separate_vocals", "run_model",
)  # fmt: skip
PARAMS: Final[dict[str, list[dict[str, Any]]]] = {
    "transcode": [{}, {"format": "opus", "normalize_lufs": -16}],
    "split": [{}, {"at": "silences"}],
    "downsample": [{}, {"format": "ogg"}],
    "separate_vocals": [{}, {"method": "repeating"}],
    "run_model": [
        {"model": "/any.onnx", "kind": "audio"},
        {"model": "/any.onnx", "kind": "audio", "mel": {}},
    ],
}
HEAD: Final = """\
| step | idle, MB | song, MB more | three hours, MB more | wall of them, s | CPU, s |
|---|---|---|---|---|---|"""
SONG_MINUTES, LONG_MINUTES = 3, 180
LIMIT_MB: Final = 300
ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def main() -> None:
    """Measure in child processes, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("steps", nargs="*", help=f"default: {' '.join(STREAMING + OTHERS)}")
    parser.add_argument(
        "--minutes", type=int, default=LONG_MINUTES, help="of the long file; default: %(default)s"
    )
    parser.add_argument("--child", nargs=2, metavar=("PARAMS", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measure(args.steps[0], json.loads(args.child[0]), Path(args.child[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "song.flac"), SONG_MINUTES)
        write(Path(folder, "long.flac"), args.minutes)
        rows = []
        for step in args.steps or STREAMING + OTHERS:
            for params in PARAMS.get(step, [{}]):
                rows.append(in_a_process(step, params, folder))
                print(line(rows[-1]), flush=True)
    if args.minutes == LONG_MINUTES:
        keep(rows)


def keep(rows: list[dict[str, Any]]) -> None:
    """Write the rows into the table; what was measured before of other steps stays."""
    table = RESULTS / "memory_steps.json"
    before = json.loads(table.read_text()) if table.exists() else []
    measured = {row["step"] for row in rows}
    order = {step: index for index, step in enumerate(STREAMING + OTHERS)}
    rows = sorted(
        [*rows, *(row for row in before if row["step"] not in measured)], key=lambda row: order[row["step"]]
    )
    table.write_text(json.dumps(rows, indent=1) + "\n")
    table.with_suffix(".md").write_text(as_markdown(rows))


def write(path: Path, minutes: int) -> None:
    """Write music that goes on; every minute ends with a pause, for what cuts there."""
    minute = song(120, 60)[0]
    minute[-RATE:] = 0
    with soundfile.SoundFile(path, "w", RATE, 2, format="FLAC") as file:
        for _ in range(minutes):
            file.write(minute)


def in_a_process(step: str, params: dict[str, Any], folder: str) -> dict[str, Any]:
    """Measure a step as a worker's child would run it."""
    command = [
        sys.executable, "-m", "benchmarks.memory_steps", step, "--child", json.dumps(params), folder,
    ]  # fmt: skip
    env = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        return {"step": step, "params": params, "error": done.stderr.strip().splitlines()[-1][:200]}
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def measure(name: str, params: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run a step over the song, then over the three hours."""
    step = load_step(name)
    assert step.run is not None
    if step.warm_up is not None:
        step.warm_up()
    idle = memory_mb("VmRSS")
    for_a_song = peak_of(name, params, folder / "song.flac")[0]
    peak, wall, cpu = peak_of(name, params, folder / "long.flac")
    return {
        "step": name, "params": params, "idle_mb": round(idle), "song_mb": round(for_a_song - idle),
        "three_hours_mb": round(peak - idle), "wall_s": round(wall, 1), "cpu_s": round(cpu, 1),
    }  # fmt: skip


def peak_of(name: str, params: dict[str, Any], path: Path) -> tuple[float, float, float]:
    """Run a step over one file; return its greatest memory, wall and CPU seconds."""
    from tests.step_calls import call_step

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        step = load_step(name)
        inputs = {takes.name: path for takes in step.takes}
        if "beats" in inputs:
            inputs["beats"] = Path(folder, "beats.json")
            beats = np.arange(0.25, soundfile.info(path).duration, 0.5)
            inputs["beats"].write_text(json.dumps({"beats_s": [round(float(beat), 6) for beat in beats]}))
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        wall, cpu = time.perf_counter(), time.process_time()
        suffix = step.suffix(step.parse_params(params))
        call_step(name, params, output=Path(folder, f"artifact{suffix}"), **inputs)
        return memory_mb("VmHWM"), time.perf_counter() - wall, time.process_time() - cpu


def memory_mb(what: str) -> float:
    """Return the memory of this process now (``VmRSS``) or at its peak (``VmHWM``)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def line(row: dict[str, Any]) -> str:
    """Return a row of the table."""
    params = ", ".join(f"{name} {value}" for name, value in row["params"].items())
    name = f"`{row['step']}`" + (f" ({params})" if params else "")
    if "error" in row:
        return f"| {name} | {row['error']} | | | | |"
    return (
        f"| {name} | {row['idle_mb']} | {row['song_mb']} | {row['three_hours_mb']} "
        f"| {row['wall_s']} | {row['cpu_s']} |"
    )


def as_markdown(rows: list[dict[str, Any]]) -> str:
    """Return the result as a page."""
    streaming, others = (
        "\n".join(line(row) for row in rows if row["step"] in names) for names in (STREAMING, OTHERS)
    )
    decoded_mb = LONG_MINUTES * 60 * RATE * 2 * 4 / 2**20
    return f"""# Memory of steps for three hours

Resident memory of a process that runs one step, one thread: idle (after the warm-up), and the peaks above
that for a song of {SONG_MINUTES} minutes and for three hours, both stereo FLAC at 44.1 kHz. Three hours of
decoded samples would be {decoded_mb:,.0f} MB. Of `run_model` it is the child's part, which decodes and cuts
frames; the model is its owner's. `python -m benchmarks.memory_steps` repeats it.

Steps that stream, which may take {LIMIT_MB} MB:

{HEAD}
{streaming}

Steps whose results grow with the audio:

{HEAD}
{others}
"""


if __name__ == "__main__":
    main()
