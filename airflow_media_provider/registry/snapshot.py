"""The graph as JSON, kept in each plan so that a run does not change when the registry does."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter

from airflow_media_provider.registry.model import JobGraph


@cache
def _adapter() -> TypeAdapter[JobGraph]:
    return TypeAdapter(JobGraph)


def dump_graph(graph: JobGraph) -> dict[str, Any]:
    """Return ``graph`` as JSON values."""
    return cast(dict[str, Any], _adapter().dump_python(graph, mode="json"))


def load_graph(data: dict[str, Any]) -> JobGraph:
    """Return the graph that :func:`dump_graph` wrote."""
    return _adapter().validate_python(data)
