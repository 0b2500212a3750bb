"""From what a DAG file calls its registry to the graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_media_provider.compat import AirflowException

if TYPE_CHECKING:
    from airflow_media_provider.registry.model import JobGraph


def read_graph(registry: str, *, overlay: str | None, dag: Any) -> JobGraph:
    """Load a task's registry.

    :param registry: path or ``package.module:NAME``; a relative path starts at the DAG file's folder, which
        differs from one process of Airflow to the next.
    :raises AirflowException: with every fault.
    """
    from airflow_media_provider.errors import RegistryError
    from airflow_media_provider.registry.load import load_registry
    from airflow_media_provider.registry.neighbours import find_steps_beside

    folder = Path(dag.fileloc).parent if dag is not None and dag.fileloc else Path()
    beside = folder / registry
    path = str(beside) if beside.is_file() else registry
    find_steps_beside(path)
    try:
        return load_registry(path, overlay=overlay)
    except RegistryError as error:
        raise AirflowException(f"registry {registry!r}:\n{error}") from error
