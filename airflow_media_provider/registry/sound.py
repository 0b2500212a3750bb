"""The part of a faulty registry that can still be looked at: so one fault does not hide another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from airflow_media_provider.registry.build import job_of
from airflow_media_provider.registry.checks import jobs_of
from airflow_media_provider.registry.document import Document
from airflow_media_provider.registry.model import SOURCE, Job, JobGraph
from airflow_media_provider.registry.schema import DefaultsPart, JobPart
from beam_jobs.contract.address import Address
from beam_jobs.contract.errors import InvalidTemplate


def sound_part(document: Document) -> JobGraph:
    """Return a graph of the jobs that can be read and whose parents, all the way up, can be too.

    What has a fault of its own elsewhere (root, source, another job) has been told already.
    """
    readable = readable_jobs(document)
    kept: dict[str, Job] = {}
    while True:
        ready = {
            name: job
            for name, job in readable.items()
            if name not in kept and all(need == SOURCE or need in kept for need in job.needs)
        }
        if not ready:
            break
        kept |= ready
    order = {name: kept[name] for name in readable if name in kept}
    return JobGraph(
        name="registry",
        root=_text(document.value, "root") or "/",
        source=_source(document.value),
        jobs=order,
        file=document.file,
    )


def readable_jobs(document: Document) -> dict[str, Job]:
    """Return the jobs whose entry can be read, leaving out the keys that cannot."""
    found: dict[str, Job] = {}
    for name, entry in jobs_of(document.value).items():
        if not isinstance(entry, Mapping):
            continue
        known = {key: value for key, value in entry.items() if key in JobPart.model_fields}
        part = _read(known) or _read({key: known[key] for key in ("step", "needs") if key in known})
        if part is not None:
            job = job_of(name, part, DefaultsPart(), document)
            params = known.get("params")
            found[name] = replace(job, params=dict(params) if isinstance(params, Mapping) else {})
    return found


def _source(value: Any) -> str:
    """Return the source's address; of one that is none, an address of unknown suffix and beside no job's."""
    source = _text(value, "source", "uri")
    try:
        Address.parse(source, root="")
    except InvalidTemplate:
        return "unknown://source/{item}"
    return source


def _read(entry: Mapping[str, Any]) -> JobPart | None:
    try:
        return JobPart.model_validate(entry)
    except ValidationError:
        return None


def _text(value: Any, *path: str) -> str:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""
