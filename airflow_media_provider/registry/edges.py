"""Faults of the arrows between jobs: needs that are no jobs, and circles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

SOURCE = "source"
"""What a job ``needs`` when it reads the catalog's own files."""


def edge_faults(needs: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str, str | None]]:
    """Yield message, job and the wrong need (None for a circle) of every fault.

    :param needs: job -> what it needs.
    """
    for job, wanted in needs.items():
        for need in wanted:
            if need != SOURCE and need not in needs:
                near = get_close_matches(need, [*needs, SOURCE], n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"jobs: {', '.join(needs)}"
                yield f"job {job!r} needs {need!r}, which is not a job; {hint}", job, need
    yield from _circles({job: [n for n in wanted if n in needs] for job, wanted in needs.items()})


def _circles(needs: dict[str, list[str]]) -> Iterator[tuple[str, str, None]]:
    while True:
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            circle = error.args[1][::-1]
            # Told from the job that stands first in the registry, so that the message is always the same.
            start = min(range(len(circle) - 1), key=lambda i: list(needs).index(circle[i]))
            turned = [*circle[start:-1], *circle[: start + 1]]
            yield f"jobs need each other in a circle: {' needs '.join(turned)}", turned[0], None
            gone = set(circle)
            needs = {job: [n for n in w if n not in gone] for job, w in needs.items() if job not in gone}
        else:
            return
