"""Faults that need more than one key to see: names, arrows and addresses of a registry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_media_provider.errors import Fault
from airflow_media_provider.registry.document import Document, Path
from airflow_media_provider.registry.edges import edge_faults
from airflow_media_provider.registry.schema import read_needs
from beam_jobs.contract.address import Address, local_path
from beam_jobs.contract.errors import InvalidTemplate

_JOB_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_NO_FOLDER = re.compile(r"([A-Za-z0-9+.-]+:)?/*")
_RESERVED = ("source", "plan", "summary")


def jobs_of(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the document has under ``jobs``, if that can have jobs in it."""
    jobs = value.get("jobs")
    return dict(jobs) if isinstance(jobs, Mapping) else {}


def name_faults(value: Mapping[str, Any], document: Document) -> Iterator[Fault]:
    """Check the names of the registry and its jobs: they become DAG ids, task ids and folders."""
    name = value.get("name", "media")
    if isinstance(name, str) and not _NAME.fullmatch(name):
        message = f"name {name!r}: use letters, digits, '_', '-' and '.', starting with a letter or digit"
        yield document.fault(message, ("name",))
    for name in jobs_of(value):
        if name in _RESERVED:
            yield document.fault(f"job {name!r}: the name is taken; give it another", ("jobs", name))
        elif not _JOB_NAME.fullmatch(name):
            message = f"job {name!r}: use letters, digits and '_', starting with a letter"
            yield document.fault(message, ("jobs", name))


def arrow_faults(value: Mapping[str, Any], document: Document) -> Iterator[Fault]:
    """Check the arrows also when something else is wrong, from whatever ``needs`` can be read."""
    needs: dict[str, tuple[str, ...]] = {}
    for name, job in jobs_of(value).items():
        try:
            needs[name] = read_needs(job["needs"]).names
        except (ValueError, KeyError, TypeError):
            needs[name] = ()
    for message, job, need in edge_faults(needs):
        yield document.fault(message, _need_path(value, job, need))


def _need_path(value: Mapping[str, Any], job: str, need: str | None) -> Path:
    wanted = value["jobs"][job]["needs"]
    entries = wanted.items() if isinstance(wanted, Mapping) else enumerate(wanted)
    keys = [key for key, entry in entries if entry == need]
    return ("jobs", job, "needs", *keys[:1])


def address_faults(
    value: Mapping[str, Any], document: Document, *, root: str, source: str
) -> Iterator[Fault]:
    """Check root, source and output templates as far as that goes without the steps.

    :param root: the root with its path made absolute, "" when the document has none.
    """
    if isinstance(value.get("root"), str) and _NO_FOLDER.fullmatch(value["root"]):
        yield document.fault(f"root: {value['root']!r} names no folder; give artifacts one", ("root",))
    else:
        yield from _path_faults(root, ("root",), document)
    yield from _path_faults(source, ("source", "uri"), document)
    if source:
        try:
            address = Address.parse(source, root=root)
        except InvalidTemplate as error:
            yield document.fault(f"source.uri: {error}", ("source", "uri"))
        else:
            if _bare(address.prefix) == _bare(root):
                message = f"root {root!r} is where the source's files are; keep artifacts apart"
                yield document.fault(message, ("root",))
    defaults = value.get("defaults")
    team = defaults.get("team") if isinstance(defaults, Mapping) else None
    for name, job in jobs_of(value).items():
        template = job.get("output") if isinstance(job, Mapping) else None
        if isinstance(template, str):
            for message in _output_faults(template, name, job.get("team") or team, root):
                yield document.fault(f"job {name!r}: output: {message}", ("jobs", name, "output"))


def _path_faults(uri: str, path: Path, document: Document) -> Iterator[Fault]:
    local = local_path(uri)
    if not local or local.startswith(("/", "{root}", "${")):
        return
    key = ".".join(map(str, path))
    if "://" in uri:
        yield document.fault(f"{key}: {uri!r}: file:// takes an absolute path; write file:///…", path)
    elif uri.startswith("~"):
        yield document.fault(f"{key}: {uri!r}: '~' is not read here; write ${{HOME}}{uri[1:]}", path)
    else:
        yield document.fault(f"{key}: {uri!r} is relative; write an absolute path or a URI", path)


def _output_faults(template: str, job: str, team: str | None, root: str) -> Iterator[str]:
    if not template.startswith(("{root}", "/")) and "://" not in template.partition("{")[0]:
        yield f"{template!r} is relative; start it with {{root}}/"
    if "{team}" in template and not team:
        yield f"{template!r} names the team, and the job has none; give it one"
    try:
        address = Address.parse(template, root=root, job=job, team=str(team), fingerprint="f", suffix=".s")
    except InvalidTemplate as error:
        yield str(error)
        return
    if root and f"{_bare(address.prefix)}/".startswith(f"{_bare(root)}/_runs/"):
        yield f"{template!r} lies in {{root}}/_runs, where runs are kept; choose another folder"


def _bare(uri: str) -> str:
    local = local_path(uri)
    return (uri if local is None else local).rstrip("/")
