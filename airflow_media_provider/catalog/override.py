"""What one row of a list says about its item's run: ``force`` and ``ping``."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One item's own settings; None leaves a setting to the request.

    :param force: True = every target of the request, ``all`` = whatever it reaches, names = those jobs,
        False = nothing, whatever the request or a job's default says.
    :param ping: trace the item and do no work, or do the work although the request pings.
    """

    force: bool | frozenset[str] | Literal["all"] | None = None
    ping: bool | None = None

    def over(self, earlier: Override | None) -> Override:
        """Return these settings with ``earlier`` ones where these say nothing."""
        if earlier is None:
            return self
        return Override(
            force=earlier.force if self.force is None else self.force,
            ping=earlier.ping if self.ping is None else self.ping,
        )


def read_override(force: Any, ping: Any, jobs: Collection[str]) -> Override | None:
    """Read what a row has under ``force`` and ``ping``; None when it says nothing.

    :param force: true/false (also ``yes``, ``1``, …), ``all``, or job names as a list or as text
        with spaces, commas or semicolons between.
    :raises ValueError: says what is wrong, for the reader of the list.
    """
    read = Override(force=_force(force, jobs), ping=_truth(ping, "ping"))
    return None if read == Override() else read


def _force(value: Any, jobs: Collection[str]) -> bool | frozenset[str] | Literal["all"] | None:
    if isinstance(value, str):
        value = value.strip()
        if value == "all":
            return "all"
        if value and value.lower() not in _WORDS:
            value = [name for name in re.split(r"[\s,;]+", value) if name]
    if not isinstance(value, list):
        return _truth(value, "force")
    for name in value:
        if not isinstance(name, str) or name not in jobs:
            near = get_close_matches(str(name), jobs, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "write true, false, all, or names of jobs"
            raise ValueError(f"force names {name!r}, which is no job; {hint}")
    return frozenset(value)


def _truth(value: Any, what: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower()
        if not word:
            return None
        if word in _WORDS:
            return _WORDS[word]
    raise ValueError(f"{what} is {value!r}; write true or false")
