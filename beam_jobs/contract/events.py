"""What a running pipeline tells its launcher: one JSON object a line on standard output.

A marked line among ordinary log lines works with every runner and survives a merged stderr; the
launcher logs all other lines as they are.
"""

from __future__ import annotations

import json
from typing import Any

MARK = "MEDIA_EVENT "


def encode_event(kind: str, **values: Any) -> str:
    """Return one event line.

    :param kind: ``submitted`` (job, job_id), ``progress`` (job, done, failed, total) or
        ``finished`` (job, counts).
    """
    return MARK + json.dumps({"event": kind, **values}, ensure_ascii=False)


def decode_event(line: str) -> dict[str, Any] | None:
    """Return the event in ``line``, or None for an ordinary log line."""
    start = line.find(MARK)
    if start < 0:
        return None
    try:
        event = json.loads(line[start + len(MARK) :])
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
