"""The launch spec: everything a worker needs to run one job over one manifest, in one JSON file."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beam_jobs.contract.errors import InvalidSpec


class Limits(BaseModel):
    """What one item may use before it is failed.

    :param timeout_s: wall seconds for the step of one item.
    :param memory_mb: address space of the process that runs the step, above what it needs idle; None for no
        limit.
    :param attempts: how often fetch and write are tried when storage fails for a moment.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    timeout_s: float = Field(default=600.0, gt=0)
    memory_mb: int | None = Field(default=2048, gt=0)
    attempts: int = Field(default=3, ge=1)


class LaunchSpec(BaseModel):
    """One Beam job.

    :param run_id: which run this belongs to; part of every report row's origin.
    :param job: the job's name in the registry.
    :param step: built-in step name or dotted path.
    :param params: the step's parameters.
    :param manifest: URI of the JSON Lines manifest.
    :param total: rows in the manifest.
    :param inputs: step input name -> address template with ``{item}``.
    :param needs: step input name -> the job that makes it, or ``source``; for messages only.
    :param output: address template with ``{item}``.
    :param child_output: address template of the files of an item's children, for a step that makes many items
        of one; the artifact at ``output`` is then their index.
    :param of_parent: inputs that belong to the item which this manifest's items are children of.
    :param report: URI of the folder that takes the report's parts.
    :param redo_before: a forced item's artifact made before this instant is made again; a younger one
        is this run's own work, found after a crash, and is kept.
    :param concurrency: items processed at a time in one worker process; None = one per core.
    :param options: Beam pipeline options by name (``runner``, ``project``, …).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    run_id: str
    job: str
    team: str | None = None
    step: str
    params: dict[str, Any] = Field(default_factory=dict)
    manifest: str
    total: int = Field(ge=0)
    inputs: dict[str, str]
    needs: dict[str, str] = Field(default_factory=dict)
    output: str
    child_output: str | None = None
    of_parent: tuple[str, ...] = ()
    report: str
    redo_before: datetime | None = None
    ping: bool = False
    limits: Limits = Limits()
    concurrency: int | None = Field(default=None, gt=0)
    options: dict[str, Any] = Field(default_factory=lambda: {"runner": "FnApiRunner"})


def decode_spec(text: str | bytes, *, where: str) -> LaunchSpec:
    """Read a launch spec; raises InvalidSpec that names ``where`` and each fault."""
    try:
        return LaunchSpec.model_validate_json(text)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidSpec(f"launch spec {where}: {faults}") from error
