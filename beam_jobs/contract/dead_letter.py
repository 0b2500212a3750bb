"""Messages that cannot be read: how they are kept in a file, and how they go on to a topic, as they came."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

MAX_ATTRIBUTE_BYTES = 1024
"""Pub/Sub takes no longer value of an attribute; it counts bytes, not characters."""


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


def dead_attributes(attributes: Mapping[str, str], *, reason: str, message_id: str) -> dict[str, str]:
    """Return what a dead letter says beside its data: its own attributes, and why it is dead."""
    return {**attributes, "media_reason": cut_reason(reason), "media_message_id": message_id}
