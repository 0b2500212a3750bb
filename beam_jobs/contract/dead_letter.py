"""Messages that cannot be read: how they are kept in a file, and how they go on to a topic, as they came."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from itertools import islice
from typing import Any

MAX_ATTRIBUTE_BYTES = 1024
"""Pub/Sub takes no longer value of an attribute; it counts bytes, not characters."""

KEPT_ATTRIBUTES = 98
"""Of the 100 that a message can have, two are ours."""


def cut_reason(reason: str, *, most: int = MAX_ATTRIBUTE_BYTES) -> str:
    """Return as much of ``reason`` as fits into an attribute of a message, and no half character."""
    data = reason.encode("utf-8", "backslashreplace")
    return data[:most].decode("utf-8", "ignore")


def dead_row(data: bytes, *, reason: str, message_id: str, attributes: Mapping[str, str]) -> dict[str, Any]:
    """Return a message as a line of a file keeps it: as text where it is text, else in Base64."""
    try:
        body = {"data": data.decode()}
    except UnicodeDecodeError:
        body = {"data_base64": base64.b64encode(data).decode()}
    return {"message_id": message_id, "reason": reason, **body, "attributes": dict(attributes)}


def dead_body(row: Mapping[str, Any]) -> bytes:
    """Return the bytes of a message that a file keeps as :func:`dead_row` has it."""
    if "data_base64" in row:
        return base64.b64decode(row["data_base64"])
    return str(row["data"]).encode()


def dead_attributes(attributes: Mapping[str, str], *, reason: str, message_id: str) -> dict[str, str]:
    """Return what a dead letter says beside its data: its own attributes, and why it is dead."""
    kept = dict(islice(attributes.items(), KEPT_ATTRIBUTES))
    return {**kept, "media_reason": cut_reason(reason), "media_message_id": message_id}
