"""The commands that make up a running Airflow; the compose file uses the same ones."""

from __future__ import annotations

INIT_COMMAND: tuple[str, ...] = ("airflow", "db", "migrate")

COMPONENTS: dict[str, tuple[str, ...]] = {
    "api-server": ("airflow", "api-server"),
    "scheduler": ("airflow", "scheduler"),
    "dag-processor": ("airflow", "dag-processor"),
    "triggerer": ("airflow", "triggerer"),
}
