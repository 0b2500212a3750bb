"""Which objects are made here: announced like uploads, they must not become work again."""

from __future__ import annotations

from collections.abc import Iterable

from beam_jobs.contract.address import Address, with_scheme

UNFINISHED = ".tmp-"
"""What the names of files begin with that are still written."""

OWN_FOLDERS = ("_intake", "_runs", "_streams")
"""Folders under a root that hold no artifacts: what intakes, runs and streams keep."""


def made_here(root: str, jobs: Iterable[str], outputs: Iterable[str] = ()) -> tuple[str, ...]:
    """Return where everything lies that is made under a root: folders, and templates with ``{item}``.

    :param jobs: names of all jobs, not just the receiver's.
    :param outputs: templates of artifacts, for jobs that have an address of their own.
    """
    home = with_scheme(root).rstrip("/")
    folders = (f"{home}/{name}/" for name in (*jobs, *OWN_FOLDERS))
    return tuple(dict.fromkeys((*folders, *map(with_scheme, outputs))))


def is_made_here(uri: str, places: Iterable[str]) -> bool:
    """Tell whether ``uri`` is an artifact, a report or a file that is still written.

    :param places: as :func:`made_here` gives them.
    """
    if uri.rpartition("/")[2].startswith(UNFINISHED):
        return True
    return any(_lies_in(uri, place) for place in places)


def _lies_in(uri: str, place: str) -> bool:
    if "{item}" in place:
        return Address.parse(place).item_of(uri) is not None
    return uri.startswith(place)
