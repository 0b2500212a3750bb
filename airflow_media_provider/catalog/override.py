"""What one row of a list says about its item's run: ``force``, ``ping``, and what is asked of it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


MODES = ("bottom-up", "top-down", "only")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one row asks for instead of what the request asks for.

    :param targets: jobs; none = the request's.
    :param mode: None = the request's.
    """

    targets: tuple[str, ...] = ()
    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One item's own settings; None leaves a setting to the request.

    :param force: True = every target of the request, ``all`` = whatever it reaches, names = those jobs,
        False = nothing, whatever the request or a job's default says.
    :param ping: trace the item and do no work, or do the work although the request pings.
    :param wishes: what the item's rows ask for; all of it is done.
    """

    force: bool | frozenset[str] | Literal["all"] | None = None
    ping: bool | None = None
    wishes: frozenset[Wish] = frozenset()

    def as_rows(self) -> list[dict[str, Any]]:
        """Return what rows of a JSON Lines list would say beside the item: one row per wish, or one row."""
        force = sorted(self.force) if isinstance(self.force, frozenset) else self.force
        said = _said(force=force, ping=self.ping)
        wishes = sorted(self.wishes, key=lambda wish: (wish.targets, wish.mode or ""))
        requests = [_said(targets=list(wish.targets) or None, mode=wish.mode) for wish in wishes]
        return [{**said, "request": request} for request in requests] or [said]

    def over(self, earlier: Override | None) -> Override:
        """Return these settings with ``earlier`` ones where these say nothing."""
        if earlier is None:
            return self
        return Override(
            force=earlier.force if self.force is None else self.force,
            ping=earlier.ping if self.ping is None else self.ping,
            wishes=self.wishes | earlier.wishes,
        )


def read_override(force: Any, ping: Any, jobs: Collection[str], request: Any = None) -> Override | None:
    """Read what a row has under ``force``, ``ping`` and ``request``; None when it says nothing.

    :param force: true/false (also ``yes``, ``1``, …), ``all``, or job names as a list or as text
        with spaces, commas or semicolons between.
    :param request: ``{"targets": [job, …], "mode": mode}``, either of them.
    :raises ValueError: says what is wrong, for the reader of the list.
    """
    wishes = _wishes(request, jobs)
    read = Override(force=_force(force, jobs), ping=_truth(ping, "ping"), wishes=wishes)
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
    _check_jobs("force", value, jobs, "write true, false, all, or names of jobs")
    return frozenset(value)


def _said(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _wishes(request: Any, jobs: Collection[str]) -> frozenset[Wish]:
    if request is None:
        return frozenset()
    if not isinstance(request, dict) or not set(request) <= {"targets", "mode"}:
        raise ValueError(f'request is {request!r}; write {{"targets": ["a_job"], "mode": "bottom-up"}}')
    targets, mode = request.get("targets") or [], request.get("mode")
    if not isinstance(targets, list):
        raise ValueError(f"request.targets is {targets!r}; write a list of jobs")
    _check_jobs("request.targets", targets, jobs, f"jobs here: {', '.join(jobs)}")
    if mode is not None and mode not in MODES:
        raise ValueError(f"request.mode is {mode!r}; write {', '.join(MODES)}")
    if not targets and mode is None:
        return frozenset()
    return frozenset({Wish(targets=tuple(sorted(set(targets))), mode=mode)})


def _check_jobs(what: str, names: list[Any], jobs: Collection[str], else_hint: str) -> None:
    for name in names:
        if not isinstance(name, str) or name not in jobs:
            near = get_close_matches(str(name), jobs, n=1)
            hint = f"did you mean {near[0]!r}?" if near else else_hint
            raise ValueError(f"{what} names {name!r}, which is no job; {hint}")


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
