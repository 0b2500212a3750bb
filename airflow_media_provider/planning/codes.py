"""What a plan says of a cell, as one small number each and as the words behind it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
CodeArray = NDArray[np.uint8] | NDArray[np.uint16]


class Action(StrEnum):
    """What a plan does with one (item, job)."""

    RUN = "run"
    SKIP = "skip"
    BLOCKED = "blocked"


class Reason(StrEnum):
    """Why; ``needed-by`` names the child behind it."""

    PRESENT = "present"
    EXCLUDED = "excluded"
    MISSING = "missing"
    STALE = "stale"
    FORCED = "forced"
    SOURCE_MISSING = "source-missing"
    PARENT_FAILED = "parent-failed"
    FAILED_BEFORE = "failed-before"
    NEEDED_BY = "needed-by"


FIXED: tuple[tuple[Action, Reason], ...] = (
    (Action.SKIP, Reason.EXCLUDED),
    (Action.SKIP, Reason.PRESENT),
    (Action.RUN, Reason.MISSING),
    (Action.RUN, Reason.STALE),
    (Action.RUN, Reason.FORCED),
    (Action.BLOCKED, Reason.SOURCE_MISSING),
    (Action.BLOCKED, Reason.PARENT_FAILED),
    (Action.BLOCKED, Reason.FAILED_BEFORE),
)
"""Code -> meaning; after these come one ``needed-by`` per child."""

CODE = {reason: code for code, (_, reason) in enumerate(FIXED)}
NEEDED_BY_FIRST = len(FIXED)


@dataclass(frozen=True, slots=True)
class CodeBook:
    """The codes of one job: code -> (action, reason).

    The highest bit of a code is no part of it; it marks a cell that is only traced (ping).
    """

    names: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, children: Iterable[str]) -> CodeBook:
        """Return the book of a job with these reached children, in graph order."""
        needed = ((Action.RUN, f"{Reason.NEEDED_BY}({child})") for child in children)
        return cls(tuple((str(action), str(reason)) for action, reason in (*FIXED, *needed)))

    @property
    def dtype(self) -> np.dtype[np.uint8] | np.dtype[np.uint16]:
        """The smallest type that holds every code and the ping bit."""
        return np.dtype(np.uint8) if len(self.names) <= 1 << 7 else np.dtype(np.uint16)

    @property
    def ping_bit(self) -> int:
        """The bit that marks a traced cell."""
        return 1 << (8 * self.dtype.itemsize - 1)

    def table(self, action: str, reason: str | None = None) -> BoolArray:
        """Return, per possible value of a cell, whether it is ``action`` (for ``reason``, when given)."""
        hits = [a == action and reason in (None, r) for a, r in self.names]
        table = np.zeros(2 * self.ping_bit, dtype=np.bool_)
        table[: len(hits)] = hits
        table[self.ping_bit : self.ping_bit + len(hits)] = hits
        return table

    def to_json(self) -> str:
        """Return the book as text for a file's metadata."""
        return json.dumps(self.names)

    @classmethod
    def from_json(cls, text: str | bytes) -> CodeBook:
        """Return the book that :meth:`to_json` wrote."""
        return cls(tuple((action, reason) for action, reason in json.loads(text)))
