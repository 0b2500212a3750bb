"""Slices of the catalog: which there are, and which items are in each. A partition is never one item.

Pure: keys that stand in a file or follow from what is on storage are read by
:mod:`airflow_media_provider.runs.partition`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from hashlib import blake2b
from typing import Literal

from airflow_media_provider.errors import PlanError

MAX_KEY = 250
"""Characters; Airflow keeps no longer key."""

MAX_RUN_NAME = 60
"""Characters of a key in a run id, which becomes the name of a folder."""

By = Literal["hash", "prefix", "date", "list"]
Step = Literal["day", "month"]

FORMATS = {"day": "%Y-%m-%d", "month": "%Y-%m"}
"""How the key of a date is written."""

_FIELD = re.compile(r"\{partition(?::([^{}]*))?\}")
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitions:
    """How a registry's catalog is sliced.

    :param by: ``hash`` of the item id into ``count`` shards; ``prefix`` of the id; ``date`` of the file's
        folder or list; ``list``: one list file per key.
    :param keys: of ``prefix`` and ``list``, in order; none = read ``keys_uri``, or what is on storage.
    :param keys_uri: a text file with one key per line.
    :param select: prefix or glob of a slice's ids, with ``{partition}``; of dates
        ``{partition:%Y/%m/%d}``.
    :param select_uri: list file of a slice, with the same fields.
    :param start: the first date.
    """

    by: By
    count: int = 0
    keys: tuple[str, ...] = ()
    keys_uri: str = ""
    select: str = ""
    select_uri: str = ""
    start: date | None = None
    step: Step = "day"

    @property
    def narrows(self) -> bool:
        """Tell whether a slice is a part of any selection, and not a selection of its own."""
        return self.by == "hash"

    @property
    def dated(self) -> bool:
        """Tell whether keys are dates."""
        return self.by == "date"

    def known_keys(self, now: datetime | None = None) -> tuple[str, ...] | None:
        """Return every key in order, or None when they must be read from storage.

        :param now: dates end with the day or month that this is in.
        """
        if self.by == "hash":
            return tuple(self._shard_key(number) for number in range(self.count))
        if self.dated:
            return tuple(self._dates(now or datetime.now(UTC)))
        return self.keys or None

    def selection(self, key: str) -> dict[str, str]:
        """Return what a request says to select the slice ``key``: its ``prefix`` or ``items_uri``.

        A shard is found in any selection, so it selects all there is.
        """
        if self.narrows:
            return {"prefix": "**"}
        if self.select_uri:
            return {"items_uri": self._fill(self.select_uri, key, plain=True)}
        return {"prefix": self._fill(self.select, key, plain=False)}

    def test(self, key: str) -> Callable[[str], bool]:
        """Return whether an item is in the shard ``key``, as a function of its id."""
        number, count = int(key.rpartition("-")[2]), self.count
        return lambda item: shard_of(item, count) == number

    def day_of(self, key: str) -> datetime | None:
        """Return when the slice of a date begins; None for a key that is no date of this registry."""
        if not self.dated:
            return None
        try:
            day = datetime.strptime(key, FORMATS[self.step]).replace(tzinfo=UTC)
        except ValueError:
            return None
        return day if day.strftime(FORMATS[self.step]) == key else None

    def offset_of(self, key: str) -> timedelta:
        """Return a time of day that is the key's own.

        A backfill of Airflow's knows a partition by its date alone: two with the same would be one to it.
        """
        number = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")
        return timedelta(microseconds=number % 86_400_000_000)

    def _shard_key(self, number: int) -> str:
        return f"shard-{number:0{max(3, len(str(self.count - 1)))}}"

    def _dates(self, now: datetime) -> list[str]:
        day, last = self.start or now.date(), now.astimezone(UTC).date()
        keys = []
        while day <= last:
            keys.append(day.strftime(FORMATS[self.step]))
            day = day + timedelta(days=1) if self.step == "day" else _next_month(day)
        return keys

    def _fill(self, template: str, key: str, *, plain: bool) -> str:
        day = self.day_of(key)
        escaped = key if plain else _GLOB.sub(lambda match: f"[{match[0]}]", key)

        def fill(match: re.Match[str]) -> str:
            return day.strftime(match[1]) if day is not None and match[1] else escaped

        filled = _FIELD.sub(fill, template)
        # A prefix with an escaped star is a glob, and a glob must fit to the end of an id.
        return f"{filled}**" if escaped != key and not _GLOB.search(template) else filled


def shard_of(item: str, count: int) -> int:
    """Return the number of an item's shard: the same in every process, version and machine."""
    return int.from_bytes(blake2b(item.encode(), digest_size=8).digest(), "big") % count


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def key_fault(key: str) -> str | None:
    """Return what is wrong with a key, or None."""
    if not key or len(key) > MAX_KEY:
        return f"a key has 1 to {MAX_KEY} characters, this one {len(key)}"
    if key != key.strip() or not key.isprintable():
        return "a key has no control characters, and no space at either end"
    if "," in key or ".." in key or key.startswith("/") or "://" in key:
        return "a key has neither ',' nor '..' nor '://' in it, and does not begin with '/'"
    if key[0] == "." or key[-1] == ".":
        return "a key neither begins nor ends with '.', which would join the '..' of a range"
    return None


def run_name(key: str) -> str:
    """Return a key as a part of a run id, where fewer letters are allowed and the whole must stay short."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", key).strip(".-")
    if plain == key and len(key) <= MAX_RUN_NAME:
        return key
    return f"{plain[: MAX_RUN_NAME - 9]}-{blake2b(key.encode(), digest_size=4).hexdigest()}"


def template_fault(template: str, *, dated: bool) -> str | None:
    """Return what is wrong with a ``select`` or ``select_uri``, or None."""
    fields = _FIELD.findall(template)
    if not fields:
        return f"{template!r} names no slice; write {{partition}} where the key stands"
    if not dated and any(fields):
        return f"{template!r} formats a date; only partitions by date have one, so write {{partition}}"
    if rest := re.search(r"(?<!\$)\{[^}]*\}?", _FIELD.sub("", template)):
        return f"{template!r} has {rest[0]!r}; only {{partition}} is filled in"
    return None


def check_key(key: str, keys: Sequence[str]) -> str:
    """Return ``key``; raises PlanError with the nearest one when there is no such partition."""
    if fault := key_fault(key):
        raise PlanError(f"partition {key[:MAX_KEY]!r}: {fault}")
    if key in keys:
        return key
    if fault := _date_fault(key, keys):
        raise PlanError(f"no partition {key!r} in the registry; {fault}")
    near = get_close_matches(key, keys, n=1)
    some = f"{keys[0]} to {keys[-1]}" if keys else "none"
    hint = f"did you mean {near[0]!r}?" if near else f"there are {len(keys)}: {some}"
    raise PlanError(f"no partition {key!r} in the registry; {hint}")


def _date_fault(key: str, keys: Sequence[str]) -> str | None:
    """Return what is wrong with ``key`` where keys are dates, as the nearest by letters may be far away."""
    ends = (keys[0], keys[-1]) if keys else ("",)
    step = next((step for step in FORMATS if all(_is_date(end, step) for end in ends)), None)
    if step is None:
        return None
    span = f"partitions go from {keys[0]} to {keys[-1]}"
    if not _is_date(key, step):
        return f"it is no {step}; {span}"
    return None if keys[0] < key < keys[-1] else span


def _is_date(key: str, step: str) -> bool:
    try:
        return datetime.strptime(key, FORMATS[step]).strftime(FORMATS[step]) == key
    except ValueError:
        return False


ALL = "all"


def parse_range(text: str, keys: Sequence[str]) -> tuple[str, ...]:
    """Return the keys that ``a..f``, ``a,b``, ``..c``, ``d..`` or ``all`` name, in the order of ``keys``.

    :param keys: all there are, in order; a range takes what stands from one to the other in it.
    :raises PlanError: for a key that is not there, or a range that ends before it begins.
    """
    position = {key: index for index, key in enumerate(keys)}
    wanted: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        if part == ALL and ALL not in position:
            wanted.update(range(len(keys)))
            continue
        low, dots, high = part.partition("..")
        first = position[check_key(low.strip(), keys)] if low.strip() or not dots else 0
        last = position[check_key(high.strip(), keys)] if high.strip() else len(keys) - 1 if dots else first
        if last < first:
            raise PlanError(f"partitions {part!r}: {low!r} comes after {high!r}; write {high}..{low}")
        wanted.update(range(first, last + 1))
    if not wanted:
        raise PlanError(f"partitions {text!r} names none; write a key, a..f, a,b or {ALL}")
    return tuple(keys[index] for index in sorted(wanted))
