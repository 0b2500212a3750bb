"""Thousands of hostile files through every step, as real jobs: what became of them.

::

    python -m benchmarks.fuzz [--part 0.1] [--seed 1] [STEP...]

The files (:mod:`tests.fuzz.corpus`) are small whole ones of every format with flipped bytes, cuts, chunks
that were taken out, put in, doubled, moved and blanked, extreme numbers in their headers and other files
spliced on; files written by hand that lie, nest, or grow a thousandfold when decoded; and what is no media at
all. They are the same for the same seed. Each step is a ``python -m beam_jobs.run`` of its own, ``run_model``
one for each kind of media, with a model that is a formula.

Ends with 1 when a job failed or hung, when an item has no row or two, when an error is one that no step
thought of, or when a process or an unfinished file is left.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from beam_jobs.contract.step import builtin_steps
from tests.fuzz.corpus import KINDS, write_corpus
from tests.fuzz.trial import Verdict, trials, try_steps

RESULTS = Path(__file__).with_name("results")
FILES = {"audio": 900, "image": 700, "video": 450, "beats": 100}
TIMEOUT_S = 20.0
MEMORY_MB = 2048
DEADLINE_S = 900.0
SHOWN = 5


def as_dict(verdict: Verdict) -> dict[str, Any]:
    """Return what is kept of a verdict."""
    seconds, item = verdict.slowest
    harm = {
        row.item: f"{row.error_class}: {row.message}"[:300]
        for row in verdict.rows.values()
        if row.error_class in ("StepTimeout", "StepCrashed", "MemoryError")
    }
    return {
        "step": verdict.step, "files": verdict.files, "rows": len(verdict.rows), "exit_code": verdict.code,
        "statuses": dict(verdict.statuses), "errors": dict(verdict.errors),
        "wall_s": round(verdict.wall_s, 1),
        "slowest_s": round(seconds, 2), "slowest": item, "peak_mb": verdict.peak_mb, "left": verdict.left,
        "crashes_survived": verdict.errors["StepCrashed"], "harm": harm, "unexpected": verdict.unexpected,
    }  # fmt: skip


def is_sound(found: dict[str, Any]) -> bool:
    """Tell whether a step's job came through as it should."""
    whole = found["exit_code"] == 0 and found["rows"] == found["files"]
    return whole and not found["left"] and not found["unexpected"]


def as_markdown(found: dict[str, Any]) -> str:
    """Return the result as a page."""
    rows = "\n".join(_row(step) for step in found["steps"])
    errors: Counter[str] = Counter()
    for step in found["steps"]:
        errors.update(step["errors"])
    classes = ", ".join(f"{name} {count}" for name, count in errors.most_common())
    harm = [
        f"- `{step['step']}`, {item}: {text}"
        for step in found["steps"]
        for item, text in step["harm"].items()
    ]
    files = ", ".join(f"{count} for {kind}" for kind, count in found["files"].items())
    return f"""# Hostile files through every step

{sum(found["files"].values())} files ({files}), {sum(step["files"] for step in found["steps"])} items
in {len(found["steps"])} jobs, {found["timeout_s"]:g} s and {found["memory_mb"]} MB for each; seed
{found["seed"]}. Made by `python -m benchmarks.fuzz` in {found["wall_s"] / 60:.1f} minutes.

Jobs that failed, hung or were a row short or over: {found["bad_jobs"]}. Errors: {classes}.

| step | files | done | refused | timeout | crash | memory | slowest, s | peak, MB | wall, s |
|---|---|---|---|---|---|---|---|---|---|
{rows}

`refused` is UndecodableMedia. `peak` is the largest process of the job; below about 245 MB it is Beam's own.
Not tried, since they need what a file alone does not give: {", ".join(found["not_tried"]) or "none"}.

Items that cost their process or its time:

{chr(10).join(harm[:60]) or "none"}
"""


def _row(step: dict[str, Any]) -> str:
    errors = step["errors"]
    counts = [
        errors.get(name, 0) for name in ("UndecodableMedia", "StepTimeout", "StepCrashed", "MemoryError")
    ]
    cells = [step["step"], step["files"], step["statuses"].get("done", 0), *counts, step["slowest_s"],
             step["peak_mb"], step["wall_s"]]  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Try the steps, write the results, and say whether all came through."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("steps", nargs="*", metavar="STEP", help="only these; writes no results")
    parser.add_argument(
        "--part", type=float, default=1.0, help="use this part of the files; writes no results"
    )
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    started = time.monotonic()
    chosen = [trial for trial in trials() if not args.steps or trial.step.name in args.steps]
    files = {kind: max(10, int(count * args.part)) for kind, count in FILES.items()}
    found: dict[str, Any] = {
        "seed": args.seed, "files": files, "timeout_s": TIMEOUT_S, "memory_mb": MEMORY_MB,
        "python": platform.python_version(),
        "not_tried": sorted(set(builtin_steps()) - {trial.step.name for trial in trials()}), "steps": [],
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        corpora = {
            kind: (folder / kind, write_corpus(folder / kind, kind, count=files[kind], seed=args.seed))
            for kind in KINDS
        }
        for trial in chosen:
            (verdict,) = try_steps(
                [trial], corpora, folder / "jobs" / trial.name,
                timeout_s=TIMEOUT_S, memory_mb=MEMORY_MB, deadline_s=DEADLINE_S,
            )  # fmt: skip
            found["steps"].append(as_dict(verdict))
            print(_row(found["steps"][-1]), file=sys.stderr, flush=True)
            for item, text in list(verdict.unexpected.items())[:SHOWN]:
                print(f"    {item!r}: {text}", file=sys.stderr, flush=True)
    found["bad_jobs"] = sum(not is_sound(step) for step in found["steps"])
    found["wall_s"] = round(time.monotonic() - started, 1)
    page = as_markdown(found)
    if not args.steps and args.part == 1:
        (RESULTS / "fuzz.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        (RESULTS / "fuzz.md").write_text(page)
    print(page)
    sys.exit(bool(found["bad_jobs"]))


if __name__ == "__main__":
    main()
