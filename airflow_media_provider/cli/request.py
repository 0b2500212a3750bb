"""From arguments to a request."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any, Literal

from airflow_media_provider.errors import PlanError, SelectionError

if TYPE_CHECKING:
    from airflow_media_provider.runs.request import PlanRequest

FIELDS = (
    "items_uri", "prefix", "items_query", "items_column", "items_filter", "partition", "inventory_uri",
    "limit", "mode", "force_all", "ping", "dry_run",
)  # fmt: skip


def read_request(args: Namespace) -> PlanRequest:
    """Return the request in ``args``.

    :raises PlanError: naming each fault.
    :raises SelectionError: when ``--items`` or ``--prefix`` names nothing.
    """
    from airflow_media_provider.runs.request import parse_request

    values: dict[str, Any] = {name: getattr(args, name) for name in FIELDS if hasattr(args, name)}
    values["prefix"] = prefix_of(getattr(args, "prefix", None))
    values["items"] = items_of(args.items)
    values["targets"] = split_names(args.target)
    values["force"] = split_names(getattr(args, "force", None))
    return parse_request(values)


def items_of(items: list[str] | None) -> list[str] | None:
    """Return items of a command line, or of standard input; raises SelectionError when there is none."""
    if not items:
        return None
    if items == ["-"]:
        items = [line.rstrip("\r\n") for line in sys.stdin]
    if not any(item.strip() for item in items):
        raise SelectionError("--items: there is not one item in it")
    return items


def prefix_of(prefix: str | None) -> str | None:
    """Return a prefix; raises SelectionError for an empty one.

    A script's unset variable must not come to mean the whole catalog.
    """
    if prefix is not None and not prefix.strip():
        raise SelectionError(f"--prefix {prefix!r}: is empty; give '**' for every file of the source")
    return prefix


def full_name_of(option: str, kind: Literal["topic", "subscription"], value: str) -> str:
    """Return the full name that an option gives of a topic or subscription; raises PlanError for another."""
    from airflow_media_provider.registry.schema import full_name

    try:
        return full_name(kind, value)
    except ValueError as error:
        raise PlanError(f"{option}: {error}") from error


def split_names(given: list[str] | None) -> tuple[str, ...]:
    """Return the names in ``a,b`` given once or more often."""
    parts = (part.strip() for text in given or () for part in text.split(","))
    return tuple(dict.fromkeys(filter(None, parts)))
