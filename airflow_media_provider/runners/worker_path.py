"""What a worker process must find that this process finds: a team's own steps."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def worker_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ`` with a ``PYTHONPATH`` that leads to what was added to this process's path.

    A step named by dotted path may lie in the DAG folder or beside the registry. Installed packages are
    left out, for the worker may be another interpreter with its own.
    """
    homes = [Path(home).resolve() for home in {sys.prefix, sys.base_prefix, sys.exec_prefix}]
    own = [
        path
        for path in sys.path
        if path and Path(path).is_dir() and not any(Path(path).resolve().is_relative_to(h) for h in homes)
    ]
    given = [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    paths = dict.fromkeys((*given, *own))
    made = {**environ, "PYTHONUNBUFFERED": "1"}
    if paths:
        made["PYTHONPATH"] = os.pathsep.join(paths)
    return made
