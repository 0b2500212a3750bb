"""Where everything lies that a registry's jobs make, so that none of it is taken for an upload."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from airflow_media_provider.errors import RegistryError
from airflow_media_provider.registry.model import Job, JobGraph
from airflow_media_provider.registry.recipe import recipe
from beam_jobs.contract.address import Address, with_scheme
from beam_jobs.contract.errors import MediaJobError
from beam_jobs.contract.ours import made_here


def ours(graph: JobGraph) -> tuple[str, ...]:
    """Return where all jobs, any team's, make their artifacts, and what is kept beside them.

    A DAG file asks this when it is read. So steps are imported only for jobs whose own ``output`` may lie
    among the source's files: elsewhere no artifact can be mistaken for an upload.
    """
    return made_here(graph.root, graph.jobs, _among_the_source(graph))


def _among_the_source(graph: JobGraph) -> Iterator[str]:
    """Yield the templates of artifacts that lie in no folder of a job's name."""
    source = with_scheme(Address.parse(graph.source, root=graph.root).prefix)
    for name, job in graph.jobs.items():
        if job.output is None:
            continue
        begins = _beginning(graph, job)
        if not (begins.startswith(source) or source.startswith(begins)):
            continue
        with suppress(RegistryError, MediaJobError):  # another team's step that is not installed here
            made = recipe(graph, name)
            yield made.address.template
            if made.child_address is not None:
                yield made.child_address.template


def _beginning(graph: JobGraph, job: Job) -> str:
    """Return what all addresses of a job begin with, as far as that is known without its step."""
    known = {"{root}": graph.root, "{job}": job.name, "{team}": job.team or ""}
    template = job.output_template
    for field, value in known.items():
        template = template.replace(field, value)
    return with_scheme(template.partition("{")[0])
