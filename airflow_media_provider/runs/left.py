"""What a second look leaves of a job's work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_media_provider.registry.model import JobGraph
from beam_jobs.contract.report import ReportRow, Status

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Items that lack an input.

    :param source_there: per item; where it is not, that is what the item lacks.
    :param parents: the jobs of which else an artifact is lacking.
    """

    graph: JobGraph
    job: str
    items: pa.LargeStringArray
    source_there: BoolArray
    parents: tuple[str, ...]

    def rows(self) -> Iterator[ReportRow]:
        """Yield a report row per item."""
        why_source = f"source-missing: no source file at {self.graph.source}"
        why_parent = f"parent-failed: an artifact of {', '.join(self.parents)} is not there"
        for item, source in zip(self.items.to_pylist(), self.source_there.tolist(), strict=True):
            message = why_parent if source else why_source
            yield ReportRow(item=item, job=self.job, status=Status.BLOCKED, stage="plan", message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is to do, sorted, and what became of the rest.

    :param present: so many have their artifact.
    """

    items: pa.LargeStringArray
    forced: BoolArray
    ping: BoolArray
    present: int = 0
    blocked: tuple[Blocked, ...] = ()

    @property
    def blocked_count(self) -> int:
        """How many lack an input."""
        return sum(len(part.items) for part in self.blocked)

    def blocked_rows(self) -> Iterator[ReportRow]:
        """Yield a report row for each that lacks an input."""
        for part in self.blocked:
            yield from part.rows()
