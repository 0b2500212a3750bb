"""What the first item costs where nothing is compiled yet: Numba's compilers, with an empty folder and again.

A worker's children keep what they compiled (:mod:`beam_jobs.isolation.compiled`), so a machine pays this once
for each child, and a container that begins without the folder at each start.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from beam_jobs.isolation.compiled import VARIABLE

COMPILING: Final = (
    "beat_tracking", "chroma", "fingerprint", "instrumentalness", "key", "loudness", "onsets", "pitch",
    "spectral", "speechiness",
)  # fmt: skip
"""Steps that run code which Numba compiles, librosa's or their own."""


def measure_cold(step: str, path: Path, more: Mapping[str, str]) -> dict[str, Any]:
    """Take a step from nothing to the end of its first item, in two processes one after the other.

    :param path: a short file, so that what is measured is the compilers.
    :param more: environment of both.
    """
    with tempfile.TemporaryDirectory(prefix="numba-") as folder:
        row: dict[str, Any] = {"step": step}
        env = {**os.environ, **more, VARIABLE: folder}
        for what in ("cold", "cached"):
            command = [sys.executable, "-m", "benchmarks.steps.one", step, "-", str(path)]
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, **env, VARIABLE: folder},
            )
            told = json.loads(done.stdout.splitlines()[-1])
            row[what] = {
                key: round(told["warm_up"][key] + told["first"][key], 2) for key in ("cpu_s", "wall_s")
            }
        row["files"] = sum(1 for _ in Path(folder).rglob("*.nb[ci]"))
    if not row["files"]:
        raise SystemExit(f"step {step!r} compiled nothing; take it out of COMPILING")
    return row


def cold_line(row: Mapping[str, Any]) -> str:
    """Return a row of the table."""
    spent = [row[what][key] for key in ("cpu_s", "wall_s") for what in ("cold", "cached")]
    return f"| {row['step']} | {' | '.join(map(str, spent))} |"


def cold_table(rows: list[dict[str, Any]]) -> str:
    """Return the part of the page."""
    return """## Where nothing is compiled yet

From nothing to the end of the first item, ten seconds of a song: with an empty folder for what Numba
compiles, and again with what the first process left there. A worker's children keep such a folder each, so a
machine pays *cold* once for each child, and a container whose image lacks it at each start.

| step | cold, CPU s | cached, CPU s | cold, wall s | cached, wall s |
|---|---|---|---|---|
""" + "\n".join((*map(cold_line, rows), ""))
