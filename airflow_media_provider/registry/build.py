"""A registry's plain values -> its :class:`JobGraph`, or every fault of them at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from pydantic import ValidationError

from airflow_media_provider.errors import Fault
from airflow_media_provider.registry.checks import address_faults, arrow_faults, jobs_of, name_faults
from airflow_media_provider.registry.document import Document, Path
from airflow_media_provider.registry.environment import fill_all
from airflow_media_provider.registry.groups import group_faults
from airflow_media_provider.registry.model import Job, JobGraph, JobGroup, RunnerConfig, Uploads
from airflow_media_provider.registry.partitions import Partitions
from airflow_media_provider.registry.schema import (
    DefaultsPart,
    JobPart,
    PartitionsPart,
    RegistryPart,
    ResourcesPart,
    RunnerPart,
    explain,
)
from beam_jobs.contract.launch import Limits

_FILLED = (("root",), ("source",), ("uploads",), ("partitions",), ("defaults", "runner", "options"))


@dataclass(slots=True, kw_only=True)
class Built:
    """What became of a document: a graph when there is no fault.

    :param document: what was read, with its variables filled in as far as they are set.
    """

    document: Document
    graph: JobGraph | None = None
    faults: list[Fault] = field(default_factory=list)


def build(document: Document, *, environ: Mapping[str, str] | None, folder: str | None, name: str) -> Built:
    """Make a graph of a document.

    :param environ: values of ``${NAME}``; None leaves them as they stand.
    :param folder: what relative paths start from; None makes them faults.
    :param name: the registry's name when the document gives none.
    """
    built = Built(document=document, faults=list(document.faults))
    value = document.value
    if environ is not None:
        value = _fill(document, environ, built.faults)
        built.document = replace(document, value=value)
    part = _parse(value, document, built.faults)
    root = _absolute(_text(value, "root"), folder).rstrip("/")
    source = _absolute(_text(value, "source", "uri"), folder)
    built.faults += name_faults(value, document)
    built.faults += arrow_faults(value, document)
    built.faults += address_faults(value, document, root=root, source=source)
    built.faults.sort(key=lambda fault: (fault.file != document.file, fault.file, fault.line))
    if part is not None and not built.faults:
        jobs = {n: job_of(n, job, part.defaults, document) for n, job in part.jobs.items()}
        name = part.name or name
        uploads = None if part.uploads is None else Uploads(**part.uploads.model_dump())
        groups = {n: JobGroup(name=n, jobs=group.jobs, fuse=group.fuse) for n, group in part.groups.items()}
        needs = {n: job.needs for n, job in jobs.items()}
        for message, group in group_faults(groups, needs, lambda n: jobs[n].runner):
            built.faults.append(document.fault(message, ("groups", group)))
        if built.faults:
            return built
        built.graph = JobGraph(
            name=name,
            root=root,
            source=source,
            jobs=jobs,
            uploads=uploads,
            partitions=partitions_of(part.partitions, folder),
            groups=groups,
            file=document.file,
        )
    return built


def _text(value: Any, *path: str) -> str:
    """Return the text that stands at ``path``, or "" when no text does."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""


def _absolute(uri: str, folder: str | None) -> str:
    """Return a relative path as one from ``folder``, anything else as it stands."""
    if not uri or folder is None or "://" in uri or uri.startswith(("/", "~", "{root}", "${")):
        return uri
    return os.path.normpath(f"{folder}/{uri}")


def _parse(value: dict[str, Any], document: Document, faults: list[Fault]) -> RegistryPart | None:
    try:
        return RegistryPart.model_validate(value)
    except ValidationError as error:
        # A document that could not be read at all has said so already.
        if value or not faults:
            faults += [document.fault(message, path) for message, path in explain(error)]
        return None


def _fill(document: Document, environ: Mapping[str, str], faults: list[Fault]) -> dict[str, Any]:
    value: Any = document.value
    own = (
        ("jobs", name, *path)
        for name in jobs_of(value)
        for path in (("runner", "options"), ("completion_topic",))
    )
    for path in (*_FILLED, *own):
        note = partial(_note, faults, document, path)
        value = _change(value, path, partial(fill_all, environ=environ, fault=note))
    return dict(value)


def _note(faults: list[Fault], document: Document, path: Path, message: str) -> None:
    faults.append(document.fault(message, path))


def _change(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """Return ``value`` with what stands at ``path`` changed, when anything stands there."""
    if not path:
        return change(value)
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    return {**value, path[0]: _change(value[path[0]], path[1:], change)}


def job_of(name: str, job: JobPart, defaults: DefaultsPart, document: Document) -> Job:
    """Return one entry of the file as a job, with what it does not say filled in."""
    file, line = document.place(("jobs", name))
    resources = defaults.resources.model_copy(update=job.resources.model_dump(exclude_none=True))
    return Job(
        name=name,
        step=job.step,
        needs=job.needs.names,
        inputs=job.needs.inputs,
        params=job.params,
        team=job.team or defaults.team,
        runner=_runner(job.runner, defaults.runner),
        limits=_limits(resources),
        concurrency=resources.concurrency,
        max_failed=defaults.max_failed if job.max_failed is None else job.max_failed,
        output=job.output,
        force=job.force,
        ping=job.ping,
        completion_topic=job.completion_topic,
        doc=job.doc,
        file=file,
        line=line,
    )


def partitions_of(part: PartitionsPart | None, folder: str | None) -> Partitions | None:
    """Return how the catalog is sliced, with what the file does not say filled in."""
    if part is None:
        return None
    given = part.model_dump(exclude_none=True)
    for name in ("keys_uri", "select_uri"):
        if name in given:
            given[name] = _absolute(given[name], folder)
    if "select" not in given and "select_uri" not in given:
        dates = {"day": "%Y/%m/%d", "month": "%Y/%m"}[given.get("step", "day")]
        given["select"] = f"{{partition:{dates}}}/" if part.by == "date" else "{partition}/"
    return Partitions(**given)


def _runner(own: RunnerPart, default: RunnerPart) -> RunnerConfig:
    """Lay a job's options upon the default ones, unless it chose another runner."""
    fallback = RunnerConfig().name
    if own.name is not None and own.name != (default.name or fallback):
        return RunnerConfig(name=own.name, options=own.options)
    return RunnerConfig(name=default.name or fallback, options={**default.options, **own.options})


def _limits(resources: ResourcesPart) -> Limits:
    given = resources.model_dump(exclude_none=True, exclude={"concurrency"})
    return Limits(**given)
