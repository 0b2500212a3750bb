"""A filter as an expression of Arrow's, for Parquet: row groups in which nothing can fit are not read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_media_provider.catalog.filter import (
    COMPARE,
    Comparison,
    Condition,
    Filter,
    Missing,
    Several,
    Value,
)
from airflow_media_provider.errors import SelectionError

_MEANT: tuple[tuple[Callable[[pa.DataType], bool], tuple[type, ...], str], ...] = (
    (pa.types.is_boolean, (bool,), "true or false"),
    (pa.types.is_integer, (int, float), "a number"),
    (pa.types.is_floating, (int, float), "a number"),
    (pa.types.is_decimal, (int, float), "a number"),
    (pa.types.is_string, (str,), "text in quotes"),
    (pa.types.is_large_string, (str,), "text in quotes"),
    (pa.types.is_string_view, (str,), "text in quotes"),
    (pa.types.is_date, (str,), 'a date as "2026-01-31"'),
    (pa.types.is_timestamp, (str,), 'a time as "2026-01-31T12:00"'),
    (pa.types.is_time, (str,), 'a time of day as "12:00"'),
)


def expression_of(wanted: Filter, schema: pa.Schema) -> pc.Expression:
    """Return the expression; the schema has every column that the filter asks about.

    :raises SelectionError: when a value cannot be compared with its column.
    """
    try:
        return _expression(wanted.condition, schema)
    except ValueError as error:
        raise SelectionError(f"items_filter {wanted.text!r}: {error}") from error


def _expression(condition: Condition, schema: pa.Schema) -> pc.Expression:
    if isinstance(condition, Several):
        parts = [_expression(part, schema) for part in condition.parts]
        return reduce((lambda a, b: a & b) if condition.every else (lambda a, b: a | b), parts)
    field = pc.field(condition.column)
    if isinstance(condition, Missing):
        return field.is_valid() if condition.negated else field.is_null()
    kind = schema.field(condition.column).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        field = field.cast(kind)
    if isinstance(condition, Comparison):
        expression: pc.Expression = COMPARE[condition.operator](
            field, _scalar(condition.column, kind, condition.value)
        )
        return expression
    each = [field == _scalar(condition.column, kind, value) for value in condition.values]
    among = reduce(lambda a, b: a | b, each) if each else pc.scalar(False)
    return ~among & field.is_valid() if condition.negated else among


def _scalar(column: str, kind: pa.DataType, value: Value) -> pa.Scalar:
    meant = next(((types, words) for test, types, words in _MEANT if test(kind)), None)
    if meant is None:
        raise ValueError(f"column {column!r} has type {kind}, which cannot be compared")
    types, words = meant
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise ValueError(f"column {column!r} has type {kind}: compare it with {words}, not {value!r}")
    if isinstance(value, str) and not _is_text(kind):
        return pa.scalar(_moment(column, kind, value, words), kind)
    return pa.scalar(value)  # Arrow finds the common type of numbers


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _moment(column: str, kind: pa.DataType, value: str, words: str) -> Any:
    try:
        if pa.types.is_date(kind):
            return date.fromisoformat(value)
        if pa.types.is_time(kind):
            return time.fromisoformat(value)
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"column {column!r} has type {kind}: compare it with {words}: {error}") from error
    if kind.tz is not None:
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
