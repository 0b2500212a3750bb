"""Every fault of a registry at once: what loading finds, and what only the steps themselves can tell."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

from pydantic import ValidationError

from airflow_media_provider.errors import Fault, RegistryError
from airflow_media_provider.registry.clashes import clashes
from airflow_media_provider.registry.document import Document, Path
from airflow_media_provider.registry.load import load_registry, read_yaml
from airflow_media_provider.registry.model import Job, JobGraph
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.registry.schema import unknown
from airflow_media_provider.registry.sound import readable_jobs, sound_part
from beam_jobs.contract.errors import StepNotFound
from beam_jobs.contract.step import Step, load_step


def validate_registry(path: str | os.PathLike[str], *, overlay: str | None = None) -> list[Fault]:
    """Return every fault, in the order of the file; none means that it can be planned.

    Steps are imported: one that cannot be, params that it does not take, inputs that nothing makes, and
    jobs that would write to the same addresses are faults. What cannot be known because of a fault further
    up (the suffix that an unknown step makes) is not guessed at.

    :param path: a YAML file, or ``package.module:NAME``.
    """
    text = os.fspath(path)
    try:
        if ":" in text and not text.endswith((".yaml", ".yml")):
            graph = load_registry(text, overlay=overlay)
            return _Check(Document(file=graph.file or text), graph, dict(graph.jobs)).faults()
        built = read_yaml(text, overlay=overlay)
    except RegistryError as error:
        return error.faults
    document = built.document
    check = _Check(document, built.graph or sound_part(document), readable_jobs(document))
    return sorted({*built.faults, *check.faults()}, key=lambda f: (f.file, f.line, f.message))


class _Check:
    """The faults that need the steps' facts.

    :param graph: the jobs whose arrows are sound.
    :param jobs: every job that can be read.
    """

    def __init__(self, document: Document, graph: JobGraph, jobs: dict[str, Job]) -> None:
        self.document = document
        self.graph = graph
        self.jobs = jobs

    def faults(self) -> list[Fault]:
        """Return them."""
        found: list[Fault] = []
        steps: dict[str, Step] = {}
        sound: set[str] = set()
        for name, job in self.jobs.items():
            try:
                steps[name] = load_step(job.step)
            except StepNotFound as error:
                found.append(self._fault(job, str(error), "step"))
                continue
            wrong = list(self._params(job, steps[name]))
            found += wrong
            if not wrong:
                sound.add(name)
        self.graph = _without_wrong_params(self.graph, steps)
        for name in self.graph.order:
            if name in steps and steps.keys() >= set(self.graph.jobs[name].parents):
                wrong = list(self._inputs(name))
                found += wrong
                if wrong:
                    sound.discard(name)
        found += self._fused(steps)
        clear = [name for name in self.graph.order if name in sound]
        told = clashes(self.graph, clear)
        return found + [self._fault(self.jobs[name], message, "output") for name, message in told]

    def _params(self, job: Job, step: Step) -> Iterator[Fault]:
        try:
            step.parse_params(job.params)
        except ValidationError as error:
            for entry in error.errors():
                where = [part for part in entry["loc"] if isinstance(part, str | int)]
                name = ".".join(map(str, where))
                if entry["type"] == "extra_forbidden":
                    known = step.params.model_fields
                    message = f"step {step.name!r}: {unknown('parameter', name, known)}"
                else:
                    text = entry["msg"].removeprefix("Value error, ")
                    tells = entry["type"] in ("missing", "value_error")
                    value = "" if tells else f", not {entry['input']!r}"
                    message = f"{'.'.join(['params', *map(str, where)])}: {text[0].lower()}{text[1:]}{value}"
                yield self._fault(job, message, "params", *where)

    def _inputs(self, name: str) -> Iterator[Fault]:
        try:
            _ = recipe(self.graph, name).level
        except RegistryError as error:
            for fault in error.faults:
                if not fault.message.startswith(f"job {name!r}: "):
                    continue  # a parent's own, told there
                message = fault.message.removeprefix(f"job {name!r}: ")
                yield self._fault(self.graph.jobs[name], message, "needs")

    def _fused(self, steps: Mapping[str, Step]) -> Iterator[Fault]:
        for group in self.graph.groups.values():
            for name in group.jobs if group.fuse else ():
                if name in steps and (what := steps[name].by_beam):
                    text = f"group {group.name!r}: the step of {name!r} {what} and cannot be fused"
                    yield self.document.fault(f"{text}; take it out of the group", ("groups", group.name))

    def _fault(self, job: Job, message: str, *where: str | int) -> Fault:
        text = f"job {job.name!r}: {message}"
        path: Path = ("jobs", job.name, *where)
        while path:
            if path in self.document.places:
                return self.document.fault(text, path)
            path = path[:-1]
        return Fault(text, job.file or self.document.file, job.line)


def _without_wrong_params(graph: JobGraph, steps: Mapping[str, Step]) -> JobGraph:
    """Leave out what the steps do not take, so that a wrong rate does not hide what children lack."""
    jobs = dict(graph.jobs)
    for name, job in jobs.items():
        if name not in steps:
            continue
        try:
            steps[name].parse_params(job.params)
        except ValidationError as error:
            wrong = {entry["loc"][0] for entry in error.errors() if entry["loc"]}
            jobs[name] = replace(job, params={k: v for k, v in job.params.items() if k not in wrong})
    return replace(graph, jobs=jobs)
