"""From an operator's arguments and a run's form to one request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_media_provider.compat import AirflowException

if TYPE_CHECKING:
    from airflow_media_provider.registry.partitions import Partitions

FIELDS = (
    "items", "items_uri", "prefix", "items_query", "items_column", "items_filter", "partition",
    "inventory_uri", "leave_out", "targets", "mode", "force", "force_all", "ping", "dry_run", "limit",
)  # fmt: skip
SELECTORS = ("items", "items_uri", "prefix", "items_query")
OF_SELECTORS = ("items_column", "items_filter")
"""What says how a selection is read, and goes with it."""
TEMPLATED = ("items_uri", "prefix", "items_query", "items_filter", "inventory_uri")
DATES = (
    "ds", "ds_nodash", "ts", "ts_nodash", "logical_date", "data_interval_start", "data_interval_end",
    "run_id", "partition_key",
)  # fmt: skip
"""What a template in a run's form may use: its slice of time, and nothing that could hold a secret."""


MODES = ("bottom-up", "top-down", "only")


def check_arguments(
    task_id: str,
    *,
    selectors: Mapping[str, Any],
    required: bool,
    mode: Any = MODES[0],
    limit: Any = None,
) -> None:
    """Refuse, while the DAG file is read, what no run could make sense of; templates are left for the run.

    :param required: nobody else can give the selection.
    :raises ValueError: names the task, the argument and its value.
    """
    if isinstance(mode, str) and "{{" not in mode and mode not in MODES:
        raise ValueError(f"task {task_id!r}: mode {mode!r} is none of {', '.join(MODES)}")
    if isinstance(limit, int) and limit < 1:
        raise ValueError(f"task {task_id!r}: limit {limit!r} leaves no item; give 1 or more, or None")
    given = [name for name, value in selectors.items() if value is not None]
    if len(given) > 1 or (required and not given):
        have = " and ".join(given) or "none of them"
        raise ValueError(f"task {task_id!r}: give exactly one of {', '.join(selectors)}; given: {have}")


def merge_request(
    own: Mapping[str, Any], form: Mapping[str, Any], context: Mapping[str, Any]
) -> dict[str, Any]:
    """Lay what a run's form says over what the DAG says.

    A selection in the form takes the place of the DAG's own, whichever kind that is.

    :param own: the operator's arguments, rendered.
    :param form: the run's params; empty ones say nothing.
    """
    said = {name: form[name] for name in FIELDS if name in form and not _is_empty(form[name])}
    for name in TEMPLATED:
        if name in said:
            said[name] = render(str(said[name]), name, context)
    base = {name: value for name, value in own.items() if not _is_empty(value)}
    if any(name in said for name in SELECTORS):
        base = {name: value for name, value in base.items() if name not in (*SELECTORS, *OF_SELECTORS)}
    merged = {**base, **said}
    for name in ("targets", "force"):
        if name in merged:
            merged[name] = names(merged[name])
    if "items" in merged:
        merged["items"] = lines(merged["items"])
    return merged


def add_partition(
    values: Mapping[str, Any], form: Mapping[str, Any], key: str | None, partitions: Partitions | None
) -> dict[str, Any]:
    """Let a run's partition take the place of the selection that the DAG has for runs that say nothing.

    :param values: the merged request.
    :param form: the run's params; items that a person gave there are what is meant, whatever the key says.
    :param key: the run's partition key, as Airflow has it.
    :param partitions: of the registry; without them a key is only for templates.
    """
    merged = dict(values)
    if partitions is None:
        return merged
    chosen = any(not _is_empty(form.get(name)) for name in SELECTORS)
    if key and "partition" not in merged and (partitions.narrows or not chosen):
        merged["partition"] = key
    if "partition" in merged and not partitions.narrows and not chosen:
        return {name: value for name, value in merged.items() if name not in (*SELECTORS, *OF_SELECTORS)}
    return merged


def _is_empty(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, (list, tuple)):
        return all(_is_empty(entry) for entry in value)
    return value is None


def names(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return job names from a list, or from text with commas or spaces between them."""
    parts = [value] if isinstance(value, str) else list(value)
    return tuple(dict.fromkeys(name for part in parts for name in str(part).replace(",", " ").split()))


def lines(value: Any) -> list[Any]:
    """Return items from a list, or from text with one per line."""
    return value.splitlines() if isinstance(value, str) else list(value)


def render(text: str, name: str, context: Mapping[str, Any]) -> str:
    """Fill the run's dates into ``text``, e.g. ``lists/{{ ds }}.txt``.

    :raises AirflowException: for a template that uses anything else, or a date that this run has not.
    """
    if "{{" not in text and "{%" not in text:
        return text
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    values = {key: context[key] for key in DATES if context.get(key) is not None}
    try:
        return SandboxedEnvironment(undefined=StrictUndefined).from_string(text).render(values)
    except TemplateError as error:
        have = ", ".join(values) or "none"
        raise AirflowException(
            f"{name} {text!r}: {error}; this run has: {have} (a run that was triggered without a logical "
            "date has no ds)"
        ) from error
