"""Folders in which a worker looks for steps after everything that is installed."""

from __future__ import annotations

import os
import sys

STEP_PATH = "MEDIA_STEP_PATH"
"""Names the folders, as ``PYTHONPATH`` does."""


def find_steps() -> None:
    """Let this process import what lies in the folders of ``MEDIA_STEP_PATH``."""
    for path in os.environ.get(STEP_PATH, "").split(os.pathsep):
        if path and path not in sys.path:
            sys.path.append(path)
