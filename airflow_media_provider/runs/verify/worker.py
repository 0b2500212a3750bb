"""The interpreter of the worker: it has Beam, this package, and what the steps import."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator

from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.runners.worker_path import worker_environ
from airflow_media_provider.runs.verify.finding import Finding, State

TIMEOUT_S = 180
ABSENT = ("ModuleNotFoundError", "ImportError", "StepNotFound")
PROGRAM = """
import json, sys
def tell(name, error=None):
    text = "" if error is None else f"{type(error).__name__}: {error}"
    print("FOUND " + json.dumps([name, text]), flush=True)
def attempt(name, action):
    try:
        action()
    except BaseException as error:
        tell(name, error)
        return False
    tell(name)
    return True
def beam():
    import apache_beam, beam_jobs.run
    from beam_jobs.contract.step_path import find_steps
    find_steps()
def warm(step):
    from beam_jobs.contract.step import load_step
    found = load_step(step)
    if found.warm_up is not None:
        found.warm_up()
if attempt("", beam):
    for step in sys.argv[1:]:
        attempt(step, lambda: warm(step))
"""
"""Run by the worker's interpreter; warming a step up imports what it needs."""


def check_worker(graph: JobGraph, python: str) -> Iterator[Finding]:
    """Yield whether ``python`` can run the steps of ``graph``."""
    what = f"worker {python}"
    install = f"{python} -m pip install 'airflow-media-provider[worker]'"
    steps = sorted({job.step for job in graph.jobs.values()})
    try:
        done = subprocess.run(
            [python, "-c", PROGRAM, *steps],
            env=worker_environ(os.environ), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        detail = f"importing took more than {TIMEOUT_S} s"
        yield Finding(what=what, state="unreachable", detail=detail, fix=f"see what hangs: {python} -v -c 0")
        return
    except OSError as error:
        fix = "give --python, or set the option python of section media, to the worker's interpreter"
        yield Finding(what=what, state="missing", detail=str(error), fix=fix)
        return
    answers = [json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    if not answers:
        detail = f"it ended with {done.returncode}: {done.stderr.strip()[-300:]}"
        yield Finding(what=what, state="wrong", detail=detail, fix=install)
    for step, fault in answers:
        yield _finding(what, step, fault, f"install what it imports for {python}" if ":" in step else install)


def _finding(worker: str, step: str, fault: str, fix: str) -> Finding:
    what = f"{worker}: step {step}" if step else f"{worker}: Beam and beam_jobs"
    if not fault:
        return Finding(what=what, state="ok")
    state: State = "missing" if fault.startswith(ABSENT) else "wrong"
    return Finding(what=what, state=state, detail=fault, fix=fix)
