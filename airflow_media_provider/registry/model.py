"""The graph of jobs: immutable, with the set algebra that planning and the DAG factory share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

from airflow_media_provider.errors import Fault, PlanError, RegistryError
from airflow_media_provider.registry.edges import SOURCE, edge_faults
from airflow_media_provider.registry.groups import JobGroup, group_faults
from airflow_media_provider.registry.partitions import Partitions
from beam_jobs.contract.launch import Limits

__all__ = ["DEFAULT_OUTPUT", "SOURCE", "Job", "JobGraph", "JobGroup", "RunnerConfig", "Uploads"]

DEFAULT_OUTPUT = "{root}/{job}/{fingerprint}/{item}{suffix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerConfig:
    """Which Beam runner a job uses.

    :param name: ``direct``, ``dataflow``, ``flink``, ``spark``, ``portable``;
        see :mod:`airflow_media_provider.runners`.
    :param options: Beam pipeline options, by their names without dashes.
    """

    name: str = "direct"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """Where messages come from that announce new files; all by their full names.

    :param subscription: what a DAG reads, ``projects/P/subscriptions/S``.
    :param topic: what the subscription is of: where ``airflow media publish`` sends to.
    :param dead_letter_topic: where messages go that cannot be read.
    :param max_messages: so many messages make a batch, which is one run.
    :param max_wait_s: seconds after its first message at which a batch is closed.
    """

    subscription: str
    topic: str | None = None
    dead_letter_topic: str | None = None
    max_messages: int = 10_000
    max_wait_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A named use of a step.

    :param name: letters, digits and ``_``; part of addresses and task ids.
    :param step: built-in step or dotted path.
    :param needs: jobs and/or ``source``, in order.
    :param inputs: step input name -> entry of ``needs``, when given by name; else matched by suffix.
    :param max_failed: a count (int) or a ratio of the attempted items (float below 1).
    :param output: address template; None for the default layout.
    :param completion_topic: Pub/Sub topic that gets a message for each item done.
    :param concurrency: items at a time in one worker process; None = one per core.
    """

    name: str
    step: str
    needs: tuple[str, ...]
    inputs: Mapping[str, str] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    team: str | None = None
    runner: RunnerConfig = RunnerConfig()
    limits: Limits = field(default_factory=Limits)
    concurrency: int | None = None
    max_failed: int | float = 0
    output: str | None = None
    force: bool = False
    ping: bool = False
    completion_topic: str | None = None
    doc: str = ""
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    @property
    def parents(self) -> tuple[str, ...]:
        """The jobs among ``needs``."""
        return tuple(need for need in self.needs if need != SOURCE)

    @property
    def output_template(self) -> str:
        """The address template with its default filled in."""
        return self.output or DEFAULT_OUTPUT


@dataclass(frozen=True, kw_only=True)
class JobGraph:
    """All jobs of a registry, known to be free of cycles and of unknown needs.

    :param name: short name of the registry, used in DAG ids and asset names.
    :param root: URI under which artifacts, manifests and reports live.
    :param source: address template of the catalog's own files.
    :param jobs: by name, in the order of the registry.
    :param uploads: where messages come from that announce new files.
    :param partitions: how the catalog is sliced.
    :param groups: jobs that belong together, by the group's name.
    """

    name: str
    root: str
    source: str
    jobs: Mapping[str, Job]
    uploads: Uploads | None = None
    partitions: Partitions | None = None
    groups: Mapping[str, JobGroup] = field(default_factory=dict)
    file: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        needs = {name: job.needs for name, job in self.jobs.items()}
        faults = [
            Fault(message, self.jobs[name].file, self.jobs[name].line)
            for message, name, _ in edge_faults(needs)
        ]
        faults += [
            Fault(message, self.file)
            for message, _ in group_faults(self.groups, needs, lambda name: self.jobs[name].runner)
        ]
        if faults:
            raise RegistryError(faults)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Every job, parents before children, otherwise in the registry's order."""
        sorter = TopologicalSorter({name: job.parents for name, job in self.jobs.items()})
        position = {name: index for index, name in enumerate(self.jobs)}
        sorter.prepare()
        order: list[str] = []
        while sorter.is_active():
            ready = sorted(sorter.get_ready(), key=position.__getitem__)
            order.extend(ready)
            sorter.done(*ready)
        return tuple(order)

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Job -> the jobs that need it, parents-first order."""
        return {name: tuple(c for c in self.order if name in self.jobs[c].parents) for name in self.jobs}

    def job(self, name: str) -> Job:
        """Return a job by name; raises PlanError with the nearest name."""
        if name in self.jobs:
            return self.jobs[name]
        import difflib

        near = difflib.get_close_matches(name, self.jobs, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"jobs: {', '.join(self.jobs)}"
        raise PlanError(f"no job {name!r} in the registry; {hint}")

    def ancestors(self, names: Iterable[str]) -> frozenset[str]:
        """Return ``names`` and every job that they need, directly or not."""
        return self._closure(names, lambda name: self.jobs[name].parents)

    def descendants(self, names: Iterable[str]) -> frozenset[str]:
        """Return ``names`` and every job that needs them, directly or not."""
        return self._closure(names, self.children.__getitem__)

    def subset(self, names: Iterable[str]) -> JobGraph:
        """Return the graph of ``names`` and of what they need; fingerprints stay as they are."""
        kept = self.ancestors(names)
        groups = {
            name: replace(group, jobs=tuple(job for job in group.jobs if job in kept))
            for name, group in self.groups.items()
            if kept.intersection(group.jobs)
        }
        return replace(
            self, jobs={name: job for name, job in self.jobs.items() if name in kept}, groups=groups
        )

    def sort(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return ``names`` without doubles, parents before children."""
        wanted = set(names)
        return tuple(name for name in self.order if name in wanted)

    def _closure(self, names: Iterable[str], step: Any) -> frozenset[str]:
        seen: set[str] = set()
        todo = [self.job(name).name for name in names]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo.extend(step(name))
        return frozenset(seen)
