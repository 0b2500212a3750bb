"""What a job makes and where: fingerprints, suffixes, addresses and the binding of inputs.

These need the step's facts, so they import the step's module. The DAG factory does without them, but for
jobs whose artifacts lie among the source's files.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, ValidationError

from airflow_media_provider.errors import Fault, RegistryError
from airflow_media_provider.registry.model import SOURCE, Job, JobGraph
from beam_jobs.contract.address import Address
from beam_jobs.contract.errors import InvalidTemplate, StepNotFound
from beam_jobs.contract.fingerprint import fingerprint
from beam_jobs.contract.step import Step, StepInput, load_step


@dataclass(frozen=True)
class Recipe:
    """A job with the facts of its step, and the recipes of what it needs."""

    graph: JobGraph
    job: Job

    def parent(self, name: str) -> Recipe:
        """Return the recipe of a job of the same graph."""
        return Recipe(self.graph, self.graph.jobs[name])

    def _fault(self, message: str) -> RegistryError:
        return RegistryError([Fault(f"job {self.job.name!r}: {message}", self.job.file, self.job.line)])

    @cached_property
    def step(self) -> Step:
        """The step's facts; raises RegistryError when it cannot be found."""
        try:
            return load_step(self.job.step)
        except StepNotFound as error:
            raise self._fault(str(error)) from error

    @cached_property
    def params(self) -> BaseModel:
        """The validated params; raises RegistryError naming each fault."""
        try:
            return self.step.parse_params(self.job.params)
        except ValidationError as error:
            faults = "; ".join(f"params.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise self._fault(faults) from error

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the step, its version and params, and of the recipes it needs."""
        needs = {
            name: "" if need == SOURCE else self.parent(need).fingerprint
            for name, need in self.inputs.items()
        }
        params = self.params.model_dump(mode="json")
        return fingerprint(step=self.step.name, version=self.step.version, params=params, needs=needs)

    @cached_property
    def suffix(self) -> str:
        """Suffix of the artifact: the template's own text after ``{item}``, with the step's ``{suffix}``."""
        # Without the fingerprint, which needs params that are right and every job above.
        template = self.job.output_template
        with_hash = "{fingerprint}" in template.partition("{item}")[2]
        return self._parse(self.fingerprint if with_hash else "").suffix

    @cached_property
    def address(self) -> Address:
        """Where this job's artifacts are."""
        return self._parse(self.fingerprint if "{fingerprint}" in self.job.output_template else "")

    @cached_property
    def child_suffix(self) -> str | None:
        """Suffix of the files of an item's children; None when the job makes one artifact per item."""
        children = self.step.children
        return children(self.params) if callable(children) else children

    @cached_property
    def child_address(self) -> Address | None:
        """Where the files of the items' children are, by the children's ids."""
        if self.child_suffix is None:
            return None
        return Address(prefix=self.address.prefix, suffix=self.child_suffix)

    @cached_property
    def level(self) -> str | None:
        """The job that splits the items whose children this job works on; None = it works on the items.

        :raises RegistryError: when inputs are children of different jobs, or when this job would split
            what has been split.
        """
        needs: dict[str, str] = {}
        for name, need in self.inputs.items():
            level = self._level_of(name)
            if level is not None:
                needs.setdefault(level, need)
        if len(needs) > 1:
            said = " and ".join(f"those of {level!r} (by {need!r})" for level, need in needs.items())
            raise self._fault(
                f"works on children of two jobs, {said}; nothing says which belong together, "
                "so make one job for each"
            )
        level = next(iter(needs), None)
        if level is not None and self.child_suffix is not None:
            raise self._fault(
                f"step {self.step.name!r} splits items, and {needs[level]!r} gives it the children that "
                f"{level!r} made; items are split once, so let it need what comes before {level!r}"
            )
        return level

    @cached_property
    def of_parent(self) -> tuple[str, ...]:
        """Inputs that belong to the item whose children this job works on."""
        if self.level is None:
            return ()
        return tuple(name for name in self.inputs if self._level_of(name) is None)

    def takes_children(self, name: str) -> bool:
        """Tell whether the step's input ``name`` is a file that a split has made, and not its index."""
        need = self.inputs[name]
        suffix = None if need == SOURCE else self.parent(need).child_suffix
        wanted = next(wanted for wanted in self.step.takes if wanted.name == name)
        return suffix is not None and wanted.accepts(suffix)

    def _level_of(self, name: str) -> str | None:
        need = self.inputs[name]
        if need == SOURCE:
            return None
        return need if self.takes_children(name) else self.parent(need).level

    @cached_property
    def listing_prefix(self) -> str:
        """Prefix under which this job's artifacts of *every* fingerprint are."""
        template = self.job.output_template
        before = template.partition("{item}")[0]
        if "{fingerprint}" not in before:
            return self.address.prefix
        head = before.partition("{fingerprint}")[0]
        return head.replace("{root}", self.graph.root).replace("{job}", self.job.name)

    def _parse(self, fingerprint: str) -> Address:
        template = self.job.output_template
        values = {
            "root": self.graph.root,
            "job": self.job.name,
            "team": self.job.team or "",
            "fingerprint": fingerprint,
            "suffix": "",
        }
        if "{suffix}" in template:
            makes = self.step.makes
            values["suffix"] = makes if isinstance(makes, str) else self.step.suffix(self.params)
        try:
            return Address.parse(template, **values)
        except InvalidTemplate as error:
            raise self._fault(str(error)) from error

    @cached_property
    def inputs(self) -> dict[str, str]:
        """Step input name -> the job (or ``source``) that fills it.

        :raises RegistryError: when an input has no parent with a suffix that it accepts, or a
            parent is left over.
        """
        if self.job.inputs is not None:
            return self._named_inputs(dict(self.job.inputs))
        left = list(self.job.needs)
        bound: dict[str, str] = {}
        for wanted in self.step.takes:
            match = next((need for need in left if self._can_be(wanted, need)), None)
            if match is None:
                have = ", ".join(f"{need} ({self._made_by(need)})" for need in self.job.needs)
                takes = ", ".join(wanted.suffixes) or "any"
                raise self._fault(
                    f"step {self.step.name!r} takes input {wanted.name!r} ({takes}), which no need makes; "
                    f"it needs: {have or 'nothing'}"
                )
            bound[wanted.name] = match
            left.remove(match)
        if left:
            takes = ", ".join(wanted.name for wanted in self.step.takes)
            raise self._fault(
                f"needs {', '.join(left)}, which step {self.step.name!r} does not take; it takes: {takes}"
            )
        return bound

    def _named_inputs(self, named: dict[str, str]) -> dict[str, str]:
        takes = {wanted.name: wanted for wanted in self.step.takes}
        for name, need in named.items():
            if name not in takes:
                raise self._fault(
                    f"step {self.step.name!r} has no input {name!r}; it takes: {', '.join(takes)}"
                )
            if not self._can_be(takes[name], need):
                raise self._fault(
                    f"input {name!r} takes {', '.join(takes[name].suffixes)}, "
                    f"{need!r} makes {self._made_by(need)}"
                )
        missing = [name for name in takes if name not in named]
        if missing:
            raise self._fault(f"nothing fills input {', '.join(missing)} of step {self.step.name!r}")
        return named

    def _can_be(self, wanted: StepInput, need: str) -> bool:
        return any(wanted.accepts(suffix) for suffix in self._suffixes_of(need))

    def _made_by(self, need: str) -> str:
        return " and ".join(suffix or "any suffix" for suffix in self._suffixes_of(need))

    def _suffixes_of(self, need: str) -> tuple[str, ...]:
        """Return what a need offers: a job that splits items their children first, then its index of them."""
        if need == SOURCE:
            return (Address.parse(self.graph.source, root=self.graph.root).suffix,)
        made = self.parent(need)
        return (made.suffix,) if made.child_suffix is None else (made.child_suffix, made.suffix)

    @cached_property
    def input_addresses(self) -> dict[str, Address]:
        """Step input name -> addresses to read it from."""
        return {name: self._input_address(name, need) for name, need in self.inputs.items()}

    def _input_address(self, name: str, need: str) -> Address:
        if need == SOURCE:
            return Address.parse(self.graph.source, root=self.graph.root)
        made = self.parent(need)
        if made.child_address is not None and self.takes_children(name):
            return made.child_address
        return made.address


def recipe(graph: JobGraph, name: str) -> Recipe:
    """Return the recipe of the job ``name``; raises PlanError for an unknown one."""
    return Recipe(graph, graph.job(name))
