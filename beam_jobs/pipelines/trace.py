"""What one item's way took so far, and where it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from beam_jobs.isolation.task import StepOutcome


@dataclass(slots=True)
class Trace:
    """Where an item is, and what it took so far."""

    stage: str = "plan"
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    bytes_in: int = 0
    media_seconds: float = 0.0

    @contextmanager
    def at(self, stage: str) -> Iterator[None]:
        """Account what runs inside to ``stage``; an error leaves :attr:`stage` there."""
        self.stage = stage
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started

    def add(self, outcome: StepOutcome) -> None:
        """Take over what the child measured."""
        self.seconds |= outcome.seconds
        self.cpu_seconds |= outcome.cpu_seconds
        self.media_seconds = outcome.media_seconds
