"""Every name of Airflow that this package uses, whatever version it comes from; the one place that knows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow import __version__
from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowException,
    AirflowSkipException,
    Asset,
    BaseHook,
    BaseOperator,
    BaseOperatorLink,
    BaseSensorOperator,
    Param,
    PokeReturnValue,
    TaskGroup,
    TriggerRule,
    XCom,
    conf,
)
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from airflow.timetables.trigger import CronTriggerTimetable
from airflow.triggers.base import BaseTrigger, TriggerEvent

try:
    from airflow.sdk.definitions.param import ParamsDict
except ImportError:  # Airflow 2
    from airflow.models.param import ParamsDict  # type: ignore[no-redef]

try:
    from airflow.triggers.base import BaseEventTrigger
except ImportError:  # Airflow 2: no asset can be watched, a task can still wait
    BaseEventTrigger = BaseTrigger  # type: ignore[misc,assignment]


IS_AIRFLOW_2 = __version__.startswith("2.")

DAG_DEFAULTS: dict[str, Any] = {"start_date": datetime(2000, 1, 1, tzinfo=UTC)} if IS_AIRFLOW_2 else {}
"""Airflow 2 wants a start date of every DAG that has a schedule, whether or not it runs by itself."""


def make_asset(*, name: str, uri: str) -> Asset:
    """Return an asset; a dataset of Airflow 2 has no name but its URI."""
    return Asset(uri=uri) if IS_AIRFLOW_2 else Asset(name=name, uri=uri, group="media")


def uploads_asset_of(*, name: str, uri: str, watcher: str, trigger: BaseEventTrigger) -> Asset:
    """Return an asset of which a trigger tells; Airflow 2 has none, so that a task must wait there."""
    try:
        from airflow.sdk import AssetWatcher
    except ImportError as error:
        raise AirflowException(
            "assets are watched from Airflow 3 on; wait with MediaUploadSensor in a DAG of your own"
        ) from error
    return Asset(name=name, uri=uri, group="media", watchers=[AssetWatcher(name=watcher, trigger=trigger)])


def knows_partitions() -> bool:
    """Tell whether this Airflow can backfill partitions: from 3.3 on."""
    return hasattr(Timetable, "iter_partition_dagrun_infos")


def asset_by_name(asset: Asset) -> Any:
    """Return a reference to an asset; Airflow 2 knows only the dataset itself."""
    reference = getattr(Asset, "ref", None)
    return asset if reference is None else reference(name=asset.name)


def makes_partition_keys(schedule: Any) -> bool:
    """Tell whether the runs of a timetable have partition keys."""
    try:
        from airflow.sdk import CronPartitionTimetable, PartitionedAssetTimetable
    except ImportError:
        return False
    known = (CronPartitionTimetable, PartitionedAssetTimetable)
    return isinstance(schedule, known) or bool(getattr(schedule, "partitioned", False))


def partitioned_assets(assets: Any) -> Any:
    """Return a schedule on assets that makes one run per partition key; Airflow has it from 3.2 on."""
    try:
        from airflow.sdk import PartitionedAssetTimetable
        from airflow.sdk.definitions.asset import BaseAsset
    except ImportError as error:
        raise AirflowException("partitions of assets need Airflow 3.2; leave out partitioned") from error
    if not isinstance(assets, BaseAsset):
        raise ValueError(
            f"schedule {assets!r} makes no partition keys; give a CronPartitionTimetable, or assets"
        )
    return PartitionedAssetTimetable(assets=assets)


if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, TaskInstanceKey

__all__ = [
    "DAG",
    "DAG_DEFAULTS",
    "IS_AIRFLOW_2",
    "AirflowException",
    "AirflowSkipException",
    "Asset",
    "BaseEventTrigger",
    "BaseHook",
    "BaseOperator",
    "BaseOperatorLink",
    "BaseSensorOperator",
    "BaseTrigger",
    "Context",
    "CronTriggerTimetable",
    "DagRunInfo",
    "DataInterval",
    "Param",
    "ParamsDict",
    "PokeReturnValue",
    "TaskGroup",
    "TaskInstanceKey",
    "TimeRestriction",
    "Timetable",
    "TriggerEvent",
    "TriggerRule",
    "XCom",
    "asset_by_name",
    "conf",
    "knows_partitions",
    "make_asset",
    "makes_partition_keys",
    "partitioned_assets",
    "uploads_asset_of",
]
