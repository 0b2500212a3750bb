"""Which places of a registry are read and which are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airflow_media_provider.registry.model import Job, JobGraph
from beam_jobs.contract.address import Address

TEMPORARY = ("temp_location", "staging_location")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder of some storage.

    :param what: what it is to the registry.
    :param uri: with a ``/`` at its end.
    :param write: whether anything is written there.
    """

    what: str
    uri: str
    write: bool


def places(graph: JobGraph) -> list[Place]:
    """Return every place of ``graph`` once; what is written within another needs no check of its own."""
    found: list[Place] = []
    for place in _all(graph):
        if not (place.write and any(place.uri.startswith(other.uri) for other in found)):
            found.append(place)
    return found


def _all(graph: JobGraph) -> Iterator[Place]:
    root = f"{graph.root.rstrip('/')}/"
    yield Place(what="root", uri=root, write=True)
    for name in graph.order:
        template = graph.jobs[name].output_template
        if not template.startswith("{root}"):
            yield Place(what=f"output of {name}", uri=_folder(template.partition("{")[0]), write=True)
    for name in graph.order:
        for option in TEMPORARY:
            if uri := _option(graph.jobs[name], option):
                yield Place(what=option, uri=f"{uri.rstrip('/')}/", write=True)
    source = Address.parse(graph.source, root=graph.root)
    yield Place(what="source", uri=_folder(source.prefix), write=False)


def _option(job: Job, name: str) -> str | None:
    value = job.runner.options.get(name) if job.runner.name == "dataflow" else None
    return value if isinstance(value, str) and value else None


def _folder(uri: str) -> str:
    return uri[: uri.rfind("/") + 1]
