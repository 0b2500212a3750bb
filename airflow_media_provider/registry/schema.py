"""What a registry file may say, and every way of saying it wrong, as faults at their places."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    model_validator,
)

from airflow_media_provider.registry.document import Path
from airflow_media_provider.registry.partitions import By, Step, key_fault, template_fault


class _Part(BaseModel):
    """A mapping of the file: unknown keys are errors, a key without a value is one not given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _drop_empty_keys(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: entry for key, entry in value.items() if entry is not None}
        return value


@dataclass(frozen=True, slots=True)
class Needs:
    """What a job needs, and by which input name when the file names inputs."""

    names: tuple[str, ...]
    inputs: Mapping[str, str] | None = None


def read_needs(value: Any) -> Needs:
    """Read ``[source, job]`` or ``{input: job}``; raises ValueError that says what to write."""
    inputs = dict(value) if isinstance(value, Mapping) else None
    entries = list(value) if isinstance(value, list | tuple) else list((inputs or {}).values())
    if isinstance(value, str):
        raise ValueError(f"{value!r} is no list; write [{value}]")
    if not entries:
        raise ValueError("names nothing; write [source], [a_job] or {input: a_job}")
    for entry in entries:
        if not isinstance(entry, str):
            raise ValueError(f"{entry!r} is not the name of a job; write text")
    if inputs is None and len(set(entries)) < len(entries):
        twice = next(entry for entry in entries if entries.count(entry) > 1)
        raise ValueError(f"{twice!r} stands twice; remove one, or name the inputs: {{input: {twice}}}")
    return Needs(tuple(dict.fromkeys(entries)), inputs)


def _max_failed(value: Any) -> int | float:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, float) and 0 <= value < 1:
        return value
    raise ValueError(f"{value!r} is neither a count (0, 1, 2, …) nor a ratio from 0.0 to below 1.0")


def _runner(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class RunnerPart(_Part):
    """``runner``: a name, or ``{name, options}``."""

    name: str | None = None
    options: dict[str, Any] = {}


class ResourcesPart(_Part):
    """``resources``: what one item and one worker may use."""

    timeout_s: float | None = Field(default=None, gt=0)
    memory_mb: int | None = Field(default=None, gt=0)
    concurrency: int | None = Field(default=None, gt=0)
    attempts: int | None = Field(default=None, ge=1)


MaxFailed = Annotated[int | float, PlainValidator(_max_failed)]
Runner = Annotated[RunnerPart, BeforeValidator(_runner)]


class DefaultsPart(_Part):
    """``defaults``: what jobs have that do not say otherwise."""

    team: str | None = None
    runner: Runner = RunnerPart()
    resources: ResourcesPart = ResourcesPart()
    max_failed: MaxFailed = 0


def full_name(kind: Literal["topic", "subscription"], value: Any) -> str:
    """Return the full name of a topic or subscription; raises ValueError for what is none."""
    if isinstance(value, str) and re.fullmatch(rf"projects/[^/\s]+/{kind}s/[^/\s]+", value):
        return value
    raise ValueError(f"{value!r} is no full name; write projects/PROJECT/{kind}s/{kind.upper()}")


def _resource(kind: Literal["topic", "subscription"]) -> PlainValidator:
    def read(value: Any) -> str:
        # What ${NAME} stands for is not known while a file is only looked at.
        return value if isinstance(value, str) and "${" in value else full_name(kind, value)

    return PlainValidator(read)


Topic = Annotated[str, _resource("topic")]
Subscription = Annotated[str, _resource("subscription")]


class UploadsPart(_Part):
    """``uploads``: where messages come from that announce new files."""

    subscription: Subscription
    topic: Topic | None = None
    dead_letter_topic: Topic | None = None
    max_messages: int = Field(default=10_000, ge=1)
    max_wait_s: float = Field(default=30.0, ge=0, le=300)


class JobPart(_Part):
    """One entry of ``jobs``."""

    step: str = Field(min_length=1)
    needs: Annotated[Needs, PlainValidator(read_needs)]
    params: dict[str, Any] = {}
    team: str | None = None
    runner: Runner = RunnerPart()
    resources: ResourcesPart = ResourcesPart()
    max_failed: MaxFailed | None = None
    output: str | None = None
    force: bool = False
    ping: bool = False
    completion_topic: Topic | None = None
    doc: str = ""


class GroupPart(_Part):
    """One entry of ``groups``: jobs that belong together."""

    jobs: tuple[str, ...] = Field(min_length=1)
    fuse: bool = False


class SourcePart(_Part):
    """``source``: where the catalog's own files are."""

    uri: str


class PartitionsPart(_Part):
    """``partitions``: how the catalog is sliced."""

    by: By
    count: int | None = Field(default=None, ge=1, le=100_000)
    keys: tuple[str, ...] = ()
    keys_uri: str | None = None
    select: str | None = None
    select_uri: str | None = None
    start: date | None = None
    step: Step | None = None

    @model_validator(mode="after")
    def _fits(self) -> PartitionsPart:
        takes = PARTITION_KEYS[self.by]
        alien = [name for name in self.model_fields_set - {"by"} if name not in takes]
        if alien:
            raise ValueError(f"by {self.by} takes {', '.join(takes)}, not {', '.join(sorted(alien))}")
        lacking = next((name for name in NEEDED[self.by] if not getattr(self, name)), None)
        if lacking:
            raise ValueError(f"by {self.by} needs {lacking!r}")
        for one, other in (("keys", "keys_uri"), ("select", "select_uri")):
            if getattr(self, one) and getattr(self, other):
                raise ValueError(f"{one} and {other} say the same thing twice; give one")
        faults = [f"{key!r}: {fault}" for key in self.keys if (fault := key_fault(key))]
        for template in filter(None, (self.select, self.select_uri)):
            faults.append(template_fault(template, dated=self.by == "date") or "")
        twice = next((key for key in self.keys if self.keys.count(key) > 1), None)
        faults.append(f"key {twice!r} stands twice" if twice is not None else "")
        if found := next(filter(None, faults), None):
            raise ValueError(found)
        return self


PARTITION_KEYS = {
    "hash": ("count",),
    "prefix": ("keys", "keys_uri", "select"),
    "date": ("start", "step", "select", "select_uri"),
    "list": ("keys", "keys_uri", "select_uri"),
}
NEEDED = {"hash": ("count",), "prefix": (), "date": ("start",), "list": ("select_uri",)}


class RegistryPart(_Part):
    """The whole file."""

    version: Literal[1]
    name: str | None = None
    root: str
    source: SourcePart
    defaults: DefaultsPart = DefaultsPart()
    uploads: UploadsPart | None = None
    partitions: PartitionsPart | None = None
    jobs: dict[str, JobPart] = Field(min_length=1)
    groups: dict[str, GroupPart] = {}
    overlays: dict[str, dict[str, Any]] = {}


OVERLAY_KEYS = ("version", "name", "root", "source", "defaults", "uploads", "partitions", "jobs", "groups")
"""What an overlay may lay upon a registry."""


def explain(error: ValidationError) -> Iterable[tuple[str, Path]]:
    """Yield one message and its place per fault that pydantic found."""
    for entry in error.errors():
        path: Path = tuple(entry["loc"])
        yield _subject(path) + _message(entry, path), path


def _subject(path: Path) -> str:
    match path:
        case ("jobs", name, *_):
            return f"job {name!r}: "
        case _:
            return ""


def _message(entry: Any, path: Path) -> str:
    inner = path[2:] if path[:1] == ("jobs",) and len(path) > 1 else path
    key, value = ".".join(map(str, inner)), entry["input"]
    around = f"{'.'.join(map(str, inner[:-1]))}: " if inner[:-1] else ""
    match entry["type"]:
        case "extra_forbidden":
            message = around + unknown("key", str(path[-1]), _keys_at(path[:-1]))
        case "missing":
            message = f"{around}key {path[-1]!r} is missing"
        case "value_error":
            message = f"{key}: {entry['ctx']['error']}"
        case "too_short":
            message = f"{key}: there is none; add one"
        case "model_type" | "dict_type" | "model_attributes_type":
            message = f"{key or 'this'} must be a mapping, not {value!r}"
        case "literal_error":
            message = f"{key}: {value!r} is not known; write {entry['ctx']['expected']}"
        case _:
            message = f"{key}: {entry['msg'][0].lower()}{entry['msg'][1:]}, not {value!r}"
    return message


def _keys_at(path: Path) -> list[str]:
    match path:
        case ("jobs", _):
            part: type[BaseModel] = JobPart
        case ("groups", _):
            part = GroupPart
        case (*_, "runner"):
            part = RunnerPart
        case (*_, "resources"):
            part = ResourcesPart
        case ("defaults",):
            part = DefaultsPart
        case ("source",):
            part = SourcePart
        case ("partitions",):
            part = PartitionsPart
        case ("uploads",):
            part = UploadsPart
        case _:
            part = RegistryPart
    return list(part.model_fields)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that ``name`` is not one of ``known``, with the nearest that is."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
    return f"{what} {name!r} is not known; {hint}"
