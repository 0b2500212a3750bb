"""Media item ids: which strings may name an item.

An id becomes part of an object's address as it stands, so it may hold ``/``, spaces, any script and
a literal ``%2F``, and must not hold what a file system or an object store would read as something else.
"""

from __future__ import annotations

import unicodedata

from beam_jobs.contract.errors import InvalidItemId

MAX_ID_BYTES = 900
"""Object stores allow 1024 bytes for the whole key; the rest is for job, fingerprint and suffix."""

MAX_SEGMENT_BYTES = 200
"""File systems allow 255 bytes for one name; the rest is for the suffix and the temporary name."""


MAX_CHILDREN = 100_000
"""How many items one item can be split into: names of five digits sort as the children do."""


def child_name(number: int) -> str:
    """Return the last segment of the id of an item's child: ``~00003`` for the fourth."""
    return f"~{number:05d}"


def parent_of(child: str) -> str:
    """Return the id of the item that ``child`` was made of."""
    return child.rpartition("/")[0]


def check_item_id(item: str) -> str:
    """Return ``item`` when it can name a media item.

    :param item: the id as it came.
    :raises InvalidItemId: names the id, what is wrong with it and what to do.
    """
    fault = item_id_fault(item)
    if fault is not None:
        raise InvalidItemId(f"item id {item!r}: {fault}")
    return item


def item_id_fault(item: str) -> str | None:
    """Say what keeps ``item`` from being an item id, or None when nothing does."""
    if not item:
        return "is empty; give each item a name"
    try:
        length = len(item.encode())
    except UnicodeEncodeError:
        return "is not valid Unicode; write it as UTF-8"
    if length > MAX_ID_BYTES:
        return f"is {length} bytes long, more than {MAX_ID_BYTES}; use a shorter id"
    control = next((c for c in item if unicodedata.category(c) == "Cc"), None)
    if control is not None:
        return f"holds the control character {control!r}; remove it"
    return next(filter(None, map(_segment_fault, item.split("/"))), None)


def _segment_fault(segment: str) -> str | None:
    if segment in ("", ".", ".."):
        return f"has the path segment {segment!r}; leave out '.', '..', '//' and a '/' at either end"
    if len(segment.encode()) > MAX_SEGMENT_BYTES:
        return f"has a path segment longer than {MAX_SEGMENT_BYTES} bytes; use a shorter one"
    return None
