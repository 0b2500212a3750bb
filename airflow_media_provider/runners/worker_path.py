"""What a worker process must find that this process finds: a team's own steps."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from beam_jobs.contract.step_path import STEP_PATH


def worker_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ`` with what the worker needs to find the modules that this process finds.

    A step named by dotted path may lie in the DAG folder or beside the registry. Installed packages are
    left out, for the worker may be another interpreter with its own. What is installed wins over what lies
    beside a registry: a DAG file may be called ``platform.py``, as a team is and a module of Python.
    """
    homes = [Path(home).resolve() for home in {sys.prefix, sys.base_prefix, sys.exec_prefix}]
    own = [
        path
        for path in sys.path
        if path and Path(path).is_dir() and not any(Path(path).resolve().is_relative_to(h) for h in homes)
    ]
    given = [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    first = dict.fromkeys((*given, *(path for path in own if Path(path, "beam_jobs").is_dir())))
    last = [path for path in own if path not in first]
    made = {**environ, "PYTHONUNBUFFERED": "1"}
    if first:
        made["PYTHONPATH"] = os.pathsep.join(first)
    if last:
        made[STEP_PATH] = os.pathsep.join(last)
    return made
