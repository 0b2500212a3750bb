"""Progress lines on standard output, about one a second."""

from __future__ import annotations

import sys
import time

from beam_jobs.contract.events import encode_event
from beam_jobs.contract.report import ReportRow, Status

EVERY_S = 1.0


def emit(kind: str, **values: object) -> None:
    """Print one event line, whole and at once."""
    sys.stdout.write(encode_event(kind, **values) + "\n")
    sys.stdout.flush()


class Progress:
    """Counts rows and tells the launcher about them.

    :param total: rows of the manifest.
    """

    def __init__(self, *, job: str, total: int) -> None:
        self._job, self._total = job, total
        self._done = self._failed = 0
        self._told_at = -EVERY_S

    def note(self, row: ReportRow) -> None:
        """Count ``row``; tell at most once a second, and with the last one."""
        self._done += 1
        self._failed += row.status in (Status.FAILED, Status.QUARANTINED)
        now = time.monotonic()
        if now - self._told_at >= EVERY_S or self._done == self._total:
            self._told_at = now
            emit("progress", job=self._job, done=self._done, failed=self._failed, total=self._total)
