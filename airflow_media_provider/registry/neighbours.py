"""Steps that lie beside the registry, as a DAG file's own modules lie beside it."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def find_steps_beside(registry: str | os.PathLike[str]) -> None:
    """Let this process import what lies in the registry's folder; what is installed still wins.

    :param registry: a file; anything else is let be.
    """
    path = Path(registry)
    if not path.is_file():
        return
    home = str(path.resolve().parent)
    if home not in sys.path:
        sys.path.append(home)
