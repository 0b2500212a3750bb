"""A filter on rows one by one: CSV, JSON Lines and Avro, whose values have no type or one of their own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from airflow_media_provider.catalog.filter import (
    COMPARE,
    Comparison,
    Condition,
    Filter,
    Missing,
    OneOf,
    Value,
)

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def fits(wanted: Filter, row: Mapping[str, Any]) -> bool:
    """Tell whether a row fits; raises ValueError when one of its values cannot be compared."""
    return _holds(wanted.condition, row)


def _holds(condition: Condition, row: Mapping[str, Any]) -> bool:
    match condition:
        case Missing():
            return (_given(row, condition.column) is None) != condition.negated
        case OneOf():
            return _one_of(condition, row)
        case Comparison():
            value = _given(row, condition.column)
            if value is None:
                return False
            left, right = _alike(condition.column, value, condition.value)
            return bool(COMPARE[condition.operator](left, right))
    results = (_holds(part, row) for part in condition.parts)
    return all(results) if condition.every else any(results)


def _one_of(condition: OneOf, row: Mapping[str, Any]) -> bool:
    given = _given(row, condition.column)
    if given is None:
        return False
    pairs = (_alike(condition.column, given, value) for value in condition.values)
    return any(left == right for left, right in pairs) != condition.negated


def _given(row: Mapping[str, Any], column: str) -> Any:
    value = row.get(column)
    return None if isinstance(value, str) and not value.strip() else value


def _alike(column: str, given: Any, value: Value) -> tuple[Any, Any]:
    """Return both as things that can be compared."""
    if isinstance(value, bool):
        if isinstance(given, bool):
            return given, value
        if isinstance(given, str) and given.strip().lower() in _TRUTH:
            return _TRUTH[given.strip().lower()], value
        raise ValueError(f"has {given!r} under {column!r}, which is not true or false")
    if isinstance(value, int | float):
        return _number(column, given), value
    if isinstance(given, str):
        return given.strip(), value
    if isinstance(given, datetime):
        return _aware(given), _aware(datetime.fromisoformat(value))
    if isinstance(given, date):
        return given, date.fromisoformat(value)
    raise ValueError(f"has {given!r} under {column!r}, which is not text")


def _number(column: str, given: Any) -> int | float:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return given
    if isinstance(given, str):
        for read in (int, float):
            try:
                return read(given)
            except ValueError:
                continue
    raise ValueError(f"has {given!r} under {column!r}, which is not a number")


def _aware(moment: datetime) -> datetime:
    """Take a time without a zone as UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
