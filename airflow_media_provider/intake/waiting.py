"""Which batches wait for a plan that nobody has told Airflow of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from airflow_media_provider.intake.batches import Batch, BatchStore
from airflow_media_provider.intake.layout import names_since

EVERY = timedelta(minutes=1)

LATE = timedelta(minutes=5)
"""A batch of somebody else that has no plan after so long is announced once more. Before that, its run may
just be on the way to its plan."""

OVERLAP = timedelta(minutes=5)
"""Clocks of triggerers may differ, and a batch is named a little before it is written."""


@dataclass(slots=True, kw_only=True)
class WaitingBatches:
    """Looks for batches that others have written: at first for all, then now and then for new ones.

    A trigger that is cancelled cannot end its thread. That may still write a batch and acknowledge its
    messages when the trigger's successor has already looked.

    :param batches: of the subscription.
    """

    batches: BatchStore
    _looked: datetime | None = field(default=None, init=False)
    _told: set[str] = field(default_factory=set, init=False)

    def tell(self, batch: Batch) -> None:
        """Note that Airflow hears of a batch."""
        self._told.add(batch.batch)

    def look(self, now: datetime) -> list[Batch]:
        """Return batches that Airflow should hear of, oldest first."""
        if self._looked is None:
            found = self.batches.unplanned(now)
        elif now - self._looked < EVERY:
            return []
        else:
            since = self._looked - LATE - OVERLAP
            found = self.batches.unplanned(now, window=now - since, age=LATE)
            self._told = {uri for uri in self._told if uri.rpartition("/")[2] >= names_since(since)}
        self._looked = now
        return [batch for batch in found if batch.batch not in self._told]
