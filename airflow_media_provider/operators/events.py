"""Which items the asset events name that woke a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    return any(_triggering(context).values())


def lists_of_events(context: Context) -> EventLists:
    """Return the list files of the events that woke this run, and of younger ones, each once.

    Airflow notes for a DAG and an asset only that *some* event waits for a run. An event that comes while
    the note of an earlier one is still there is in no run until a third one comes, which may be never. So a
    run takes what has come since; where it has a run of its own after all, that will find the work done.
    """
    made: dict[str, None] = {}
    batches: dict[str, None] = {}
    for asset, events in _triggering(context).items():
        for extra in (*(event.extra or {} for event in events), *_younger(context, asset, events)):
            payload = extra.get("payload")
            if isinstance(payload, Mapping) and payload.get("batch"):
                batches[str(payload["batch"])] = None
            elif extra.get("manifest") and extra.get("items") != 0:
                made[str(extra["manifest"])] = None
    return EventLists(made=tuple(made), batches=tuple(batches))


def _younger(context: Context, asset: Any, events: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Return the extras of an asset's events since the last of ``events``, for an asset among the inlets."""
    found: Any = context.get("inlet_events")
    inlets = [inlet for inlet in found or () if _is_same(inlet, asset)]
    if not inlets or not events:
        return []
    last = max(event.timestamp for event in events)
    known = found[inlets[0]]
    since = known.after(last.isoformat()) if hasattr(known, "after") else known
    return [event.extra or {} for event in since if event.timestamp > last]


def _is_same(inlet: Any, asset: Any) -> bool:
    """Tell whether an inlet is the asset: by name, or by URI in Airflow 2, where events have only that."""
    name = getattr(inlet, "name", None)
    if name:
        return bool(name == getattr(asset, "name", ""))
    return bool(getattr(inlet, "uri", inlet) == getattr(asset, "uri", asset))


def _triggering(context: Context) -> dict[Any, list[Any]]:
    for name in NAMES:
        found: Any = context.get(name)
        if found:
            return {asset: list(events) for asset, events in found.items()}
    return {}
