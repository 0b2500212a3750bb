"""When a media DAG runs by itself: not at all, unless it is told to, but it can be backfilled."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pendulum

from airflow_media_provider.compat import (
    CronTriggerTimetable,
    DagRunInfo,
    DataInterval,
    TimeRestriction,
    Timetable,
)
from airflow_media_provider.registry.partitions import Partitions, run_name
from airflow_media_provider.registry.snapshot import dump_partitions, load_partitions

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


class PartitionTimetable(Timetable):
    """One run per partition of a registry for ``airflow backfill create``, and no runs of its own.

    The dates of a backfill choose among partitions that are dates. Partitions with names have none, so a
    backfill makes a run for each of them, and its first date says which pass over them it is: the same
    dates are the same pass.

    :param partitions: as in the registry; keys that stand on storage are read when a backfill is made.
    :param source: what the addresses of the catalog's files begin with; its folders may be the keys.
    """

    partitioned = True
    can_be_scheduled = False

    def __init__(self, partitions: Partitions, *, source: str = "") -> None:
        self.partitions = partitions
        self.source = source
        self.description = f"Only on request; one run per partition, by {partitions.by}"

    @property
    def summary(self) -> str:
        """What the list of DAGs shows."""
        return "by partition"

    def serialize(self) -> dict[str, Any]:
        """Return the arguments as JSON values."""
        return {"partitions": dump_partitions(self.partitions), "source": self.source}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> PartitionTimetable:
        """Return the timetable that :meth:`serialize` wrote."""
        return cls(load_partitions(data["partitions"]), source=data["source"])

    def iter_partition_dagrun_infos(self, *, earliest: datetime, latest: datetime) -> Iterable[DagRunInfo]:
        """Yield one run per date between ``earliest`` and ``latest``, or per named partition."""
        from airflow_media_provider.hooks.media import MediaHook
        from airflow_media_provider.runs.partition import read_keys

        for key in read_keys(self.partitions, self.source, MediaHook().stores()):
            day = self.partitions.day_of(key)
            if day is None or earliest <= day <= latest:
                yield DagRunInfo(
                    run_after=pendulum.instance(day or earliest),
                    data_interval=None,
                    partition_date=pendulum.instance(day or earliest + self.partitions.offset_of(key)),
                    partition_key=key,
                )

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return None: nothing runs by itself."""
        return None

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """Return the moment of a run that was triggered with a logical date."""
        return DataInterval.exact(run_after)

    def generate_run_id(
        self, *, run_type: Any, run_after: pendulum.DateTime, data_interval: DataInterval | None, **extra: Any
    ) -> str:
        """Return an id that names the partition; a partition can have several runs."""
        key = extra.get("partition_key")
        parts = [run_after.isoformat(), *([run_name(key)] if key else []), secrets.token_hex(4)]
        return str(run_type.generate_run_id(suffix="__".join(parts)))

    def _decode_partition_date(self, partition_key: str) -> datetime | None:
        return self.partitions.day_of(partition_key)
