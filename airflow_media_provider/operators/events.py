"""Which items the asset events name that woke a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_media_provider.compat import Context

NAMES = ("triggering_asset_events", "triggering_dataset_events")
"""As Airflow 3 and 2 call them in a task's context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLists:
    """List files that events name.

    :param made: what parents have made.
    :param batches: what was uploaded.
    """

    made: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.made or self.batches)


def has_events(context: Context) -> bool:
    """Tell whether assets woke the run; nobody triggered it by hand."""
    return any(True for _ in _extras(context))


def lists_of_events(context: Context) -> EventLists:
    """Return the list files of the events that woke this run, each once."""
    made: dict[str, None] = {}
    batches: dict[str, None] = {}
    for extra in _extras(context):
        payload = extra.get("payload")
        if isinstance(payload, Mapping) and payload.get("batch"):
            batches[str(payload["batch"])] = None
        elif extra.get("batch"):
            batches[str(extra["batch"])] = None
        elif extra.get("manifest") and extra.get("items") != 0:
            made[str(extra["manifest"])] = None
    return EventLists(made=tuple(made), batches=tuple(batches))


def _extras(context: Context) -> Iterator[Mapping[str, Any]]:
    for name in NAMES:
        found: Any = context.get(name)
        for events in (found or {}).values():
            for event in events:
                yield event.extra or {}
