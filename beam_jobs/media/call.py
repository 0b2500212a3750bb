"""What a step's function is called with: one item's inputs as local files, and a clock."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beam_jobs.contract.errors import StepError, UndecodableMedia
from beam_jobs.contract.item import MAX_CHILDREN, child_name


@dataclass(slots=True, kw_only=True)
class StepCall:
    """One call of a step.

    The step returns what shall be stored: a ``dict`` or ``list`` (stored as canonical JSON), ``bytes``,
    a NumPy array (stored as ``.npy``), or :attr:`output` after writing that file itself.

    :param item: the media item's id.
    :param inputs: input name -> local file.
    :param output: a path that does not exist yet, with the artifact's suffix, for steps that stream.
    :param seconds: stage -> wall seconds, filled by :meth:`stage`.
    :param cpu_seconds: stage -> CPU seconds of this process.
    :param media_seconds: playing time of the input; a step that decodes sets it.
    :param child_suffix: of the files that :meth:`child` names; "" for a step that makes no children.
    :param children: names given by :meth:`child` so far.
    :param keep: inputs that another step of the same item reads afterwards in this process.
    :param output_is_read: another step of the same item reads the artifact afterwards in this process.
    """

    item: str
    inputs: Mapping[str, Path]
    output: Path
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    media_seconds: float = 0.0
    current_stage: str = "step"
    child_suffix: str = ""
    children: list[str] = field(default_factory=list)
    keep: frozenset[str] = frozenset()
    output_is_read: bool = False

    def path(self, name: str = "audio") -> Path:
        """Return the local file of an input."""
        try:
            return self.inputs[name]
        except KeyError:
            known = ", ".join(sorted(self.inputs))
            raise StepError(f"item {self.item!r}: no input {name!r}; this job has: {known}") from None

    def child(self) -> Path:
        """Return the path that the next child's file shall have; nothing is there yet.

        Children are numbered as they are asked for, so a step must ask in an order that the input and the
        params decide. Child ``n`` of item ``song`` is the media item ``song/~0000n``.
        """
        if not self.child_suffix:
            raise StepError(f"item {self.item!r}: this step makes no children; give it children=SUFFIX")
        if len(self.children) >= MAX_CHILDREN:
            raise StepError(f"item {self.item!r}: more than {MAX_CHILDREN} children; make longer pieces")
        self.children.append(child_name(len(self.children)))
        return self.output.with_name(f"{self.output.name}.{self.children[-1]}{self.child_suffix}")

    def json(self, name: str) -> Any:
        """Return an input that is a JSON document."""
        path = self.path(name)
        try:
            return json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise UndecodableMedia(f"item {self.item!r}: input {name!r} is not JSON: {error}") from error

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Account what runs inside to a stage; stages may be entered often, once per block.

        A stage inside another takes its time out of the outer one's, so that all add up to the whole.
        An exception leaves :attr:`current_stage` at the stage that raised it.
        """
        outer, self.current_stage = self.current_stage, name
        wall = time.perf_counter() - sum(self.seconds.values())
        cpu = time.process_time() - sum(self.cpu_seconds.values())
        try:
            yield
        finally:
            own = time.perf_counter() - wall - sum(self.seconds.values())
            own_cpu = time.process_time() - cpu - sum(self.cpu_seconds.values())
            self.seconds[name] = self.seconds.get(name, 0.0) + own
            self.cpu_seconds[name] = self.cpu_seconds.get(name, 0.0) + own_cpu
        self.current_stage = outer
