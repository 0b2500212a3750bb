"""Measure one step, or one alternative to it (``-`` = the step), in a process of its own; prints JSON."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.steps.instead import INSTEAD


def main(step: str, alternative: str, files: list[str]) -> None:
    """Run it over the files: once each, after a first call that pays for imports and compilers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before, wall = cpu(), time.perf_counter()
        run = own(step, folder) if alternative == "-" else prepare(step, alternative, folder)
        warm = {"cpu_s": cpu() - before, "wall_s": time.perf_counter() - wall}
        spent = []
        for path in (files[0], *files):
            before, wall = cpu(), time.perf_counter()
            run(Path(path))
            spent.append({"cpu_s": cpu() - before, "wall_s": time.perf_counter() - wall})
        peak = peak_mb()
    print(json.dumps({"warm_up": warm, "first": spent[0], "steady": spent[1:], "peak_mb": peak}))


def peak_mb() -> float:
    """Return the most memory that this process had; getrusage would tell its parent's, where that is more."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def cpu() -> float:
    """Return the CPU seconds of this process and of the commands that it ran."""
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def prepare(step: str, alternative: str, folder: Path) -> Callable[[Path], Any]:
    """Return an alternative as a function of a file."""
    instead = INSTEAD[step][alternative]
    return lambda path: instead(path, folder)


def own(name: str, folder: Path) -> Callable[[Path], Any]:
    """Warm the step up, as a worker's child does, and return it as a function of a file."""
    from beam_jobs.contract.step import load_step
    from beam_jobs.isolation.result import store_result
    from beam_jobs.media.call import StepCall

    step = load_step(name)
    if step.inference:
        from benchmarks.steps.model import own as own_model

        return own_model(folder)
    params = step.parse_params({})
    if step.warm_up is not None:
        step.warm_up()
    assert step.run is not None
    beats = {"beats_s": [index / 2 for index in range(1, 2000)]}
    (folder / "beats.json").write_text(json.dumps(beats))

    def run(path: Path) -> None:
        output = folder / f"artifact{step.suffix(params)}"
        inputs = {takes.name: path for takes in step.takes} | {"beats": folder / "beats.json"}
        call = StepCall(
            item="song", inputs=inputs, output=output, child_suffix=step.child_suffix(params) or ""
        )
        store_result(step.run(call, params), output, item="song")  # type: ignore[misc]
        for made in folder.glob("artifact*"):
            made.unlink()

    return run


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
