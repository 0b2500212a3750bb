"""Which messages ask for work, which cannot be understood, and which say nothing to us."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from beam_jobs.contract.address import Address, local_path, with_scheme
from beam_jobs.contract.dead_letter import dead_row
from beam_jobs.contract.errors import MessageError
from beam_jobs.contract.item import item_id_fault
from beam_jobs.contract.message import Message, check_jobs, parse_message
from beam_jobs.contract.ours import is_made_here


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message as it came."""

    message_id: str
    ack_id: str
    data: bytes
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Messages sorted out.

    :param rows: rows of a list file.
    :param dead: what could not be understood, with its reason.
    :param ignored: messages that ask for nothing, e.g. of a deletion.
    """

    rows: list[dict[str, Any]]
    dead: list[dict[str, Any]]
    ignored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorter:
    """Knows what an item of the catalog looks like.

    :param source: the addresses of the catalog's files.
    :param ours: where artifacts lie, as ``made_here`` gives it: what is uploaded there is no source.
    :param jobs: names that a message may ask for.
    """

    source: Address
    ours: Collection[str]
    jobs: Collection[str]

    def sort(self, messages: Iterable[Received]) -> Sorted:
        """Sort messages; one that names several items gives several rows."""
        found: list[dict[str, Any]] = []
        dead: list[dict[str, Any]] = []
        ignored = 0
        for received in messages:
            try:
                rows = self._rows(parse_message(received.data, received.attributes), received.message_id)
            except MessageError as error:
                dead.append(
                    dead_row(
                        received.data, reason=str(error), message_id=received.message_id,
                        attributes=received.attributes,
                    )
                )  # fmt: skip
            else:
                found.extend(rows)
                ignored += not rows
        return Sorted(rows=found, dead=dead, ignored=ignored)

    def _rows(self, message: Message, message_id: str) -> list[dict[str, Any]]:
        if message.ignored is not None:
            return []
        check_jobs(message, self.jobs)
        rest = {
            "force": list(message.force) if isinstance(message.force, tuple) else message.force,
            "ping": message.ping,
            "request": _said({"targets": list(message.targets) or None, "mode": message.mode}) or None,
            "message": message_id,
        }
        rest = _said(rest)
        items = (self._item(item, uploaded=message.uploaded) for item in message.items)
        return [{"item": item, **rest} for item in items if item is not None]

    def _item(self, text: str, *, uploaded: bool) -> str | None:
        """Return the id that a message names; None for an upload that is no file of the catalog."""
        item = text
        if "://" in text or text.startswith("/"):
            uri = with_scheme(text)
            found = _item_of(uri, self.source)
            if uploaded and (found is None or is_made_here(uri, self.ours)):
                return None
            if found is None:
                raise MessageError(f"{text!r} is not a file of the source {self.source.template!r}")
            item = found
        fault = item_id_fault(item)
        if fault is not None:
            raise MessageError(f"item id {item!r}: {fault}")
        return item


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _item_of(uri: str, source: Address) -> str | None:
    prefix = with_scheme(source.prefix) if local_path(source.prefix) is not None else source.prefix
    return Address(prefix=prefix, suffix=source.suffix).item_of(uri)
