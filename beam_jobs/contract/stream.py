"""The stream spec: everything a worker needs to serve one target for as long as messages come."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beam_jobs.contract.errors import InvalidSpec
from beam_jobs.contract.launch import LaunchSpec


class LineJob(BaseModel):
    """One job of the line.

    :param spec: how it is run; its manifest and report are not used.
    :param parents: the jobs of the line whose artifacts it reads.
    :param fingerprint: part of its artifacts' addresses, told to listeners.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: LaunchSpec
    parents: tuple[str, ...] = ()
    fingerprint: str = ""


class StreamSpec(BaseModel):
    """One unbounded pipeline.

    :param name: the same for the same registry and target, so that it can be found again.
    :param line: the target and its ancestors, parents first.
    :param source: address template of the catalog's files.
    :param jobs: all of the registry, which a message may name; none = any name is taken for another's job.
    :param ours: where things are made that are no uploads: folders, and templates of artifacts.
    :param home: folder of what the pipeline says: its state, its report.
    :param completion_topic: gets a message for each item whose target was made.
    :param dead_letter_topic: gets messages that cannot be read.
    :param lease_s: after a crash, messages come back so much later.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    name: str
    registry: str
    target: str
    line: tuple[LineJob, ...] = Field(min_length=1)
    source: str
    root: str
    jobs: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    home: str
    subscription: str
    completion_topic: str | None = None
    dead_letter_topic: str | None = None
    lease_s: int = Field(default=60, ge=10, le=600)
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def state(self) -> str:
        """What the pipeline says of itself, every few seconds."""
        return f"{self.home}/state.json"

    @property
    def drain(self) -> str:
        """An object that asks the pipeline to end.

        An empty one: when it has finished what it has in work; one with anything in it: at once.
        """
        return f"{self.home}/drain"

    @property
    def report(self) -> str:
        """Folder of the report's parts."""
        return f"{self.home}/report"


def decode_stream(text: str | bytes, *, where: str) -> StreamSpec:
    """Read a stream spec; raises InvalidSpec that names ``where`` and each fault."""
    try:
        return StreamSpec.model_validate_json(text)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidSpec(f"stream spec {where}: {faults}") from error
