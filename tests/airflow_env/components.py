"""The commands that make up a running Airflow; the compose file uses the same ones.

The log folder is shared, so nobody needs to ask a scheduler or a triggerer for logs over HTTP; their log
servers would listen on every interface.
"""

from __future__ import annotations

INIT_COMMAND: tuple[str, ...] = ("airflow", "db", "migrate")

COMPONENTS: dict[str, tuple[str, ...]] = {
    "api-server": ("airflow", "api-server"),
    "scheduler": ("airflow", "scheduler", "--skip-serve-logs"),
    "dag-processor": ("airflow", "dag-processor"),
    "triggerer": ("airflow", "triggerer", "--skip-serve-logs"),
}
