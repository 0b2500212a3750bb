"""When a media DAG runs by itself: not at all, unless it is told to, but it can be backfilled."""

from __future__ import annotations

from typing import Any

from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable

DAILY = "0 0 * * *"


class BackfillTimetable(CronTriggerTimetable):
    """Slices of time for ``airflow backfill``, and no runs of its own.

    Airflow refuses to backfill a DAG without a schedule, and runs one with a schedule. A DAG that is
    triggered by people and backfilled by date needs neither.

    :param cron: where slices begin.
    :param timezone: of the cron expression.
    """

    def __init__(self, cron: str = DAILY, *, timezone: str = "UTC", **kwargs: Any) -> None:
        super().__init__(cron, timezone=timezone, **kwargs)
        self.description = f"Only on request; backfills by {cron}"

    @property
    def summary(self) -> str:
        """What the list of DAGs shows."""
        return "on request"

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next slice to a backfill, which asks with ``catchup``, and nothing to the scheduler."""
        if not restriction.catchup:
            return None
        return super().next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction
        )
