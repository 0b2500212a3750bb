"""Reading the registry while a DAG file is parsed."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path

from airflow_media_provider.registry.load import load_registry
from airflow_media_provider.registry.model import JobGraph


def caller_file(depth: int) -> str:
    """Return the file that called, ``depth`` frames above this function's caller."""
    return str(sys._getframe(depth + 1).f_globals.get("__file__", ""))


def caller_folder(depth: int) -> Path:
    """Return the folder of :func:`caller_file`."""
    return Path(caller_file(depth + 1)).parent


def graph_at(registry: str, *, overlay: str | None, folder: Path) -> JobGraph:
    """Return the graph of a registry; a file that makes many DAGs reads it once.

    :param folder: where a relative path starts.
    """
    beside = folder / registry
    if not beside.is_file():
        return load_registry(registry, overlay=overlay)
    return _read(str(beside), overlay, beside.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _read(path: str, overlay: str | None, changed: int) -> JobGraph:
    return load_registry(path, overlay=overlay)


def line_of(graph: JobGraph, *, targets: tuple[str, ...], mode: str) -> tuple[str, ...]:
    """Return the jobs that ``targets`` can reach, parents first; without targets all of them."""
    names = tuple(graph.job(name).name for name in targets)
    if not names:
        return graph.order
    if mode == "top-down":
        return graph.sort(graph.descendants(names))
    return graph.sort(names if mode == "only" else graph.ancestors(names))
