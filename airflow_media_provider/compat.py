"""Every name of Airflow that this package uses, whatever version it comes from; the one place that knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, TaskInstanceKey

__all__ = [
    "DAG",
    "AirflowException",
    "AirflowSkipException",
    "Asset",
    "BaseHook",
    "BaseOperator",
    "BaseOperatorLink",
    "BaseSensorOperator",
    "Context",
    "Param",
    "PokeReturnValue",
    "TaskGroup",
    "TaskInstanceKey",
    "TriggerRule",
    "XCom",
    "conf",
]
