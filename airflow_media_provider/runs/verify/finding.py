"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from airflow_media_provider.storage.refusal import why_refused

State = Literal["ok", "created", "missing", "denied", "unreachable", "wrong", "not checked"]
"""``wrong``: it is there and does not do what is needed. ``not checked``: nothing here can tell."""

MEND = "mend what it says, and verify again"
USABLE = ("ok", "created", "not checked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    :param what: the thing and what was asked of it.
    :param detail: what it said.
    :param fix: a command or a sentence; "" when nothing is to be mended.
    """

    what: str
    state: State
    detail: str = ""
    fix: str = ""

    @property
    def usable(self) -> bool:
        """Tell whether nothing has to be mended."""
        return self.state in USABLE


def refused(
    what: str, error: Exception, *, fix: str, missing: str = "", unreachable: str = "", wrong: str = MEND
) -> Finding:
    """Return what ``error`` says of ``what``.

    :param fix: what helps against a denial, or when nothing better is known.
    :param missing: what helps when it is not there.
    :param unreachable: what helps when nothing answers.
    :param wrong: what helps when it answers and says something else.
    """
    state = why_refused(error)
    better = {"missing": missing, "unreachable": unreachable, "wrong": wrong}.get(state, "")
    return Finding(what=what, state=state, detail=one_line(error), fix=better or fix)


def one_line(error: Exception) -> str:
    """Return an error's text as one line of bearable length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


LONGEST = 300
