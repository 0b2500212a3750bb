"""What is said on Pub/Sub: which items to work on, and which are done.

Three kinds of message ask for work: our own JSON, a notification of Google Cloud Storage
(``OBJECT_FINALIZE``), and a bare id, path or URI as text.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from beam_jobs.contract.errors import MessageError

Modes = Literal["bottom-up", "top-down", "only"]

_WANTED = {
    "item": "an id as text",
    "items": "a list of ids",
    "force": 'true, false, "all" or names of jobs',
    "ping": "true or false",
    "targets": "a list of names of jobs",
    "mode": "bottom-up, top-down or only",
}
"""Key of our own JSON -> what its value is."""

_STORAGE_OBJECT = "storage#object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that could be read.

    :param items: ids, or URIs or paths of source files.
    :param force: as in a row of a list file: true, false, ``all`` or names of jobs.
    :param ping: trace the items, do no work.
    :param targets: jobs; none = the receiver's own.
    :param mode: None = the receiver's own.
    :param uploaded: an upload is announced, which may be no file of the catalog at all.
    :param ignored: why there is nothing to do, e.g. a notification of a deletion.
    """

    items: tuple[str, ...] = ()
    force: bool | str | tuple[str, ...] | None = None
    ping: bool | None = None
    targets: tuple[str, ...] = ()
    mode: Modes | None = None
    uploaded: bool = False
    ignored: str | None = None


class WorkMessage(BaseModel):
    """Our own JSON: ``{"item": "a/b"}`` or ``{"items": ["a/b", …]}``, the rest as wanted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: str | None = None
    items: tuple[str, ...] = ()
    force: bool | str | tuple[str, ...] | None = None
    ping: bool | None = None
    targets: tuple[str, ...] = ()
    mode: Modes | None = None

    @field_validator("targets", mode="before")
    @classmethod
    def _one_target(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else () if value is None else value


class CompletionMessage(BaseModel):
    """One item of which a job made the artifact; sent at least once."""

    model_config = ConfigDict(frozen=True)

    item: str
    job: str
    artifact: str
    run_id: str
    fingerprint: str
    status: Literal["done"] = "done"
    registry: str = Field(default="", exclude=True)

    def attributes(self) -> dict[str, str]:
        """Return what a subscription can filter by."""
        return {"registry": self.registry, "job": self.job, "run_id": self.run_id, "status": self.status}


def parse_message(data: bytes, attributes: Mapping[str, str] | None = None) -> Message:
    """Read a message.

    :param data: its body.
    :param attributes: its attributes; those of a storage notification say what happened.
    :raises MessageError: says what is wrong and what would be right.
    """
    attributes = attributes or {}
    if "eventType" in attributes and "objectId" in attributes:
        return _notification(attributes)
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise MessageError(f"the message is not UTF-8: {error}; send JSON or an item's id as text") from error
    if not text:
        raise MessageError('the message is empty; send {"item": "…"} or an item\'s id as text')
    if not text.startswith("{"):
        return Message(items=(text,))
    return _json(text)


def check_jobs(message: Message, jobs: Collection[str]) -> None:
    """Raise MessageError when a message asks for a job, or forces one, that is none of ``jobs``."""
    _check_names("targets", message.targets, jobs)
    if not isinstance(message.force, bool) and message.force not in (None, "all"):
        _check_names("force", _names(message.force), jobs)


def _check_names(what: str, names: Collection[str], jobs: Collection[str]) -> None:
    for name in names:
        if name not in jobs:
            near = get_close_matches(name, jobs, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"jobs here: {', '.join(jobs)}"
            raise MessageError(f"{what} names {name!r}, which is no job here; {hint}")


def _names(force: Any) -> tuple[str, ...]:
    if isinstance(force, str):
        words = force.replace(",", " ").split()
        truths = {"true", "false", "yes", "no", "1", "0"}
        return tuple(word for word in words if word.lower() not in truths)
    return tuple(force)


def encode_work(
    item: str,
    *,
    force: bool | str | tuple[str, ...] | None = None,
    ping: bool | None = None,
    targets: tuple[str, ...] = (),
    mode: str | None = None,
) -> bytes:
    """Return the message that asks for work on ``item``."""
    said = {"item": item, "force": force, "ping": ping, "targets": targets or None, "mode": mode}
    return json.dumps({name: value for name, value in said.items() if value is not None}).encode()


def _notification(attributes: Mapping[str, str]) -> Message:
    event, bucket, name = attributes["eventType"], attributes.get("bucketId", ""), attributes["objectId"]
    if event != "OBJECT_FINALIZE":
        return Message(ignored=f"{event} of {name}")
    return _uploaded(bucket, name)


def _uploaded(bucket: str, name: str) -> Message:
    if not bucket or not name:
        raise MessageError(f"the notification names no object: bucket {bucket!r}, object {name!r}")
    if name.endswith("/"):
        return Message(ignored=f"{name} is a folder's placeholder")
    return Message(items=(f"gs://{bucket}/{name}",), uploaded=True)


def _json(text: str) -> Message:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"the message starts as JSON and is none: {error}") from error
    if value.get("kind") == _STORAGE_OBJECT:
        return _uploaded(str(value.get("bucket", "")), str(value.get("name", "")))
    try:
        work = WorkMessage.model_validate(value)
    except ValidationError as error:
        faults = "; ".join(dict.fromkeys(_fault(entry["loc"], value) for entry in error.errors()))
        raise MessageError(f'{faults}; a message is {{"item": "…", "force": true, …}}') from error
    items = ((work.item,) if work.item is not None else ()) + work.items
    if not items:
        raise MessageError('the message names no item; send {"item": "…"} or {"items": ["…"]}')
    return Message(
        items=items, force=work.force, ping=work.ping, targets=work.targets, mode=work.mode
    )  # fmt: skip


def _fault(where: tuple[int | str, ...], value: Mapping[str, Any]) -> str:
    """Return what is wrong at ``where``: what stands there and what should."""
    # A key that is no Unicode has no place of its own.
    key = str(where[0]) if where else next((key for key in value if key not in _WANTED), "")
    if key not in _WANTED:
        near = get_close_matches(key, _WANTED, n=1)
        hint = f"did you mean {near[0]!r}" if near else f"use {', '.join(_WANTED)}"
        return f"key {reprlib.repr(key)} is not known; {hint}"
    return f"{key}: {reprlib.repr(value[key])} is not {_WANTED[key]}"
