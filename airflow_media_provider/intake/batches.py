"""Batches on storage: written before anything is acknowledged, marked when they have a plan."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow_media_provider.errors import ObjectNotFound
from airflow_media_provider.intake.layout import IntakeLayout, batch_name, mark_of, names_since
from airflow_media_provider.intake.sorting import Sorted
from airflow_media_provider.storage import Stores
from beam_jobs.contract.json_lines import encode_line

KEPT = timedelta(days=31)
"""How long Pub/Sub can keep a message at most; older batches cannot wait for anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What Airflow hears of a batch.

    :param batch: URI of the list file.
    """

    batch: str
    items: int
    messages: int
    dead: int
    ignored: int = 0

    def event(self) -> dict[str, Any]:
        """Return this as the payload of an asset event."""
        return asdict(self)


class BatchStore:
    """The batches of one subscription.

    :param layout: where they are.
    """

    def __init__(self, layout: IntakeLayout, stores: Stores) -> None:
        self._layout = layout
        self._store = stores.for_uri(layout.uri)

    def save(self, found: Sorted, message_ids: list[str], now: datetime) -> Batch:
        """Write a batch and its dead messages. What is written under one name is always the same."""
        name = batch_name(message_ids, now)
        uri = self._layout.batch(name)
        if found.dead:
            self._write(self._layout.dead(name), found.dead)
        if found.rows:
            self._write(uri, found.rows)
        return Batch(
            batch=uri if found.rows else "",
            items=len(found.rows),
            messages=len(message_ids),
            dead=len(found.dead),
            ignored=found.ignored,
        )

    def known_ids(self, now: datetime, window: timedelta) -> set[str]:
        """Return the ids of the messages that the batches of the last ``window`` hold."""
        ids: set[str] = set()
        for uri in self._since(now - window):
            ids |= {str(row["message"]) for row in self._rows(uri) if "message" in row}
        for uri in self._since(now - window, self._layout.dead_letters):
            ids |= {row["message_id"] for row in self._rows(uri)}
        return ids

    def unplanned(
        self, now: datetime, *, window: timedelta = KEPT, age: timedelta = timedelta(0)
    ) -> list[Batch]:
        """Return the batches of the last ``window`` that no plan has taken up, oldest first.

        :param age: leave out younger ones.
        """
        uris = self._since(now - window)
        if age:
            last = self._layout.batches + names_since(now - age)
            uris = [uri for uri in uris if uri < last]
        if not uris:
            return []
        first = self._layout.planned + names_since(now - window)
        marks = {uri for found in self._store.list_uris(self._layout.planned, start=first) for uri in found}
        return [self._read(uri) for uri in uris if mark_of(uri) not in marks]

    def _since(self, when: datetime, prefix: str = "") -> list[str]:
        prefix = prefix or self._layout.batches
        found = self._store.list_uris(prefix, start=prefix + names_since(when))
        return sorted(uri for batch in found for uri in batch if uri.endswith(".jsonl"))

    def _read(self, uri: str) -> Batch:
        rows = list(self._rows(uri))
        return Batch(batch=uri, items=len(rows), messages=len({row.get("message") for row in rows}), dead=0)

    def _rows(self, uri: str) -> Iterator[dict[str, Any]]:
        for line in self._store.read(uri).decode().split("\n"):
            if line:
                yield json.loads(line)

    def _write(self, uri: str, rows: list[dict[str, Any]]) -> None:
        self._store.write(uri, "".join(f"{encode_line(row)}\n" for row in rows).encode())


def take_up(batches: Sequence[str], plan: str, stores: Stores) -> list[str]:
    """Return the batches that no other plan has taken up; a retry of the same plan keeps its own."""
    return [uri for uri in batches if _planned_by(uri, stores) in (None, plan)]


def mark_planned(batches: Sequence[str], plan: str, stores: Stores) -> list[str]:
    """Note that the batches at these URIs have a plan, so that nobody announces them again.

    Return those that another plan has marked meanwhile: of many plans, a batch belongs to one.
    """
    lost = []
    for uri in batches:
        mark = mark_of(uri)
        created = stores.for_uri(mark).create(mark, plan.encode())
        if not created and _planned_by(uri, stores) != plan:
            lost.append(uri)
    return lost


def _planned_by(uri: str, stores: Stores) -> str | None:
    mark = mark_of(uri)
    try:
        return stores.for_uri(mark).read(mark).decode()
    except ObjectNotFound:
        return None
