"""The graph as JSON, kept in each plan so that a run does not change when the registry does."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter

from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.partitions import Partitions


@cache
def _adapter() -> TypeAdapter[JobGraph]:
    return TypeAdapter(JobGraph)


def dump_graph(graph: JobGraph) -> dict[str, Any]:
    """Return ``graph`` as JSON values."""
    return cast(dict[str, Any], _adapter().dump_python(graph, mode="json"))


def load_graph(data: dict[str, Any]) -> JobGraph:
    """Return the graph that :func:`dump_graph` wrote."""
    return _adapter().validate_python(data)


@cache
def _partitions() -> TypeAdapter[Partitions]:
    return TypeAdapter(Partitions)


def dump_partitions(partitions: Partitions) -> dict[str, Any]:
    """Return ``partitions`` as JSON values without those that say nothing."""
    return cast(dict[str, Any], _partitions().dump_python(partitions, mode="json", exclude_defaults=True))


def load_partitions(data: dict[str, Any]) -> Partitions:
    """Return the partitions that :func:`dump_partitions` wrote."""
    return _partitions().validate_python(data)
