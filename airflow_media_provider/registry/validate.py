"""Every fault of a registry at once: what loading finds, and what only the steps themselves can tell."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ValidationError

from airflow_media_provider.errors import Fault, RegistryError
from airflow_media_provider.registry.document import Document, Path
from airflow_media_provider.registry.load import load_registry, read_yaml
from airflow_media_provider.registry.model import Job, JobGraph
from airflow_media_provider.registry.recipe import Recipe, recipe
from airflow_media_provider.registry.schema import unknown
from beam_jobs.contract.errors import StepNotFound
from beam_jobs.contract.step import Step, load_step


def validate_registry(path: str | os.PathLike[str], *, overlay: str | None = None) -> list[Fault]:
    """Return every fault, in the order of the file; none means that it can be planned.

    Steps are imported: one that cannot be, params that it does not take, and inputs that nothing makes are
    faults. A job whose step is not known is not looked at further, and neither is what needs it.

    :param path: a YAML file, or ``package.module:NAME``.
    """
    text = os.fspath(path)
    if ":" in text and not os.path.exists(text) and not text.endswith((".yaml", ".yml")):  # noqa: PTH110
        return _of_python(text, overlay)
    try:
        built = read_yaml(text, overlay=overlay)
    except RegistryError as error:
        return error.faults
    faults = [*built.faults]
    jobs = built.graph.jobs if built.graph is not None else _readable_jobs(built.document)
    steps = _steps(jobs, built.document, faults)
    for name, step in steps.items():
        faults += _params_faults(jobs[name], step, built.document)
    if built.graph is not None:
        faults += _input_faults(built.graph, set(steps), {fault.line for fault in faults})
        faults += _address_faults(built.graph, faults)
    return sorted(set(faults), key=lambda fault: (fault.file, fault.line, fault.message))


def _of_python(path: str, overlay: str | None) -> list[Fault]:
    try:
        graph = load_registry(path, overlay=overlay)
    except RegistryError as error:
        return error.faults
    document = Document(file=graph.file or path)
    faults: list[Fault] = []
    steps = _steps(graph.jobs, document, faults)
    for name, step in steps.items():
        faults += _params_faults(graph.jobs[name], step, document)
    faults += _input_faults(graph, set(steps), set())
    faults += _address_faults(graph, faults)
    return faults


def _readable_jobs(document: Document) -> dict[str, Job]:
    """Return what can be read of the jobs of a registry that has faults: their step and params."""
    jobs = document.value.get("jobs")
    found = {}
    for name, entry in jobs.items() if isinstance(jobs, dict) else ():
        if isinstance(entry, dict) and isinstance(entry.get("step"), str):
            params = entry.get("params")
            found[name] = Job(
                name=name, step=entry["step"], needs=(), params=params if isinstance(params, dict) else {}
            )
    return found


def _place(document: Document, job: Job, *more: str | int) -> Path:
    path: Path = ("jobs", job.name, *more)
    while path and path not in document.places:
        path = path[:-1]
    return path or ("jobs", job.name)


def _fault(document: Document, job: Job, message: str, *more: str | int) -> Fault:
    path = _place(document, job, *more)
    if path in document.places:
        return document.fault(f"job {job.name!r}: {message}", path)
    return Fault(f"job {job.name!r}: {message}", job.file or document.file, job.line)


def _steps(jobs: Mapping[str, Job], document: Document, faults: list[Fault]) -> dict[str, Step]:
    found: dict[str, Step] = {}
    for name, job in jobs.items():
        try:
            found[name] = load_step(job.step)
        except StepNotFound as error:
            faults.append(_fault(document, job, str(error), "step"))
    return found


def _params_faults(job: Job, step: Step, document: Document) -> Iterator[Fault]:
    try:
        step.parse_params(job.params)
    except ValidationError as error:
        for entry in error.errors():
            where = [part for part in entry["loc"] if isinstance(part, str | int)]
            if entry["type"] == "extra_forbidden":
                known = _fields(step.params)
                message = f"params: step {step.name!r}: {unknown('parameter', str(where[-1]), known)}"
            else:
                name = ".".join(map(str, where))
                value = f", not {entry['input']!r}" if entry["type"] != "missing" else ""
                message = f"params.{name}: {entry['msg'][0].lower()}{entry['msg'][1:]}{value}"
            yield _fault(document, job, message, "params", *where)


def _fields(model: type[BaseModel]) -> list[str]:
    return list(model.model_fields)


def _input_faults(graph: JobGraph, known: set[str], told: set[int]) -> Iterator[Fault]:
    """Check the binding of inputs, parents first; a job above which something is wrong is let be."""
    sound: set[str] = set()
    for name in graph.order:
        job = graph.jobs[name]
        if name not in known or not set(job.parents) <= sound:
            continue
        made = recipe(graph, name)
        try:
            _check(made)
        except RegistryError as error:
            yield from (
                fault for fault in error.faults if fault.line not in told or "params" not in fault.message
            )
        else:
            sound.add(name)


def _check(made: Recipe) -> None:
    _ = made.params, made.inputs, made.suffix


def _address_faults(graph: JobGraph, faults: list[Fault]) -> Iterator[Fault]:
    """Tell which jobs would write to the same addresses, now that suffixes are known."""
    if faults:
        return
    seen: dict[tuple[str, str], str] = {}
    for name in graph.order:
        address = recipe(graph, name).address
        first = seen.setdefault((address.prefix, address.suffix), name)
        if first != name:
            job = graph.jobs[name]
            yield Fault(
                f"job {name!r}: writes to the same addresses as {first!r} ({address.template}); "
                "put {job} into its output",
                job.file,
                job.line,
            )
