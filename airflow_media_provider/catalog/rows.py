"""What every item source yields: rows, some thousand at a time, with the place of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from airflow_media_provider.catalog.override import Override
from airflow_media_provider.catalog.view import PLAIN, View
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.storage import Stores

CHUNK = 50_000
"""About how many rows to yield at a time."""

_SHOWN = 1000
"""Characters of a rejected value that are kept; longer than any item id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a source is asked for.

    :param value: what the request gave under the source's name.
    :param view: which column of a table has the item, and which rows are wanted.
    """

    graph: JobGraph
    value: Any
    stores: Stores
    view: View = PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A row that cannot be an item.

    :param value: the row as it came, without what UTF-8 cannot hold.
    :param where: file and line, or whatever says where the row stood.
    :param why: what is wrong and what to do.
    """

    value: str
    where: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows in the order of the source.

    :param values: an id, URI or path per row (a LargeStringArray); null where a row is blank or rejected.
    :param place: says where the row at a position of ``values`` stood.
    :param overrides: position -> what the row says beside its item.
    :param rejected: rows that the source itself could not make sense of.
    """

    values: pa.LargeStringArray
    place: Callable[[int], str]
    overrides: Mapping[int, Override] = field(default_factory=dict)
    rejected: Sequence[Rejected] = ()


def reject(value: str | bytes, where: str, why: str) -> Rejected:
    """Make a :class:`Rejected` whose value can be stored and shown whatever it was."""
    if isinstance(value, bytes):
        shown = value[: 4 * _SHOWN + 4].decode("utf-8", "backslashreplace")
    else:
        shown = value[: _SHOWN + 1].encode("utf-8", "backslashreplace").decode()
    return Rejected(value=shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…", where=where, why=why)


NOT_UTF8 = "is not UTF-8; write it as UTF-8"


def strings(
    values: Iterable[str | None], place: Callable[[int], str]
) -> tuple[pa.LargeStringArray, list[Rejected]]:
    """Make an array of ``values``, where those that are no Unicode are null and rejected."""
    values = list(values)
    try:
        return pa.array(values, pa.large_string()), []
    except (UnicodeEncodeError, pa.ArrowInvalid):
        rejected = []
        for index, value in enumerate(values):
            if value is not None and not _is_unicode(value):
                rejected.append(reject(value, place(index), NOT_UTF8))
                values[index] = None
        return pa.array(values, pa.large_string()), rejected


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
