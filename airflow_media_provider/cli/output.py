"""Answers in the formats of Airflow's own commands; JSON keeps numbers as numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

BLOCK = 10_000


def print_object(value: dict[str, Any], output: str) -> None:
    """Print one JSON or YAML object."""
    if output == "yaml":
        import yaml

        print(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), end="")
    else:
        print(json.dumps(value, ensure_ascii=False))


def is_object(output: str) -> bool:
    """Tell whether a format holds one object, and not lines for people."""
    return output in ("json", "yaml")


def print_rows(rows: Sequence[dict[str, Any]], output: str) -> None:
    """Print rows as a table, as plain columns, or as a list."""
    from airflow.cli.simple_table import AirflowConsole

    if output == "json":
        print(json.dumps(list(rows), ensure_ascii=False))
    else:
        AirflowConsole().print_as(data=rows, output=output)


def count_rows(jobs: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return job -> counts as rows."""
    return [{"job": job, **counts} for job, counts in jobs.items()]


def print_with_list(head: dict[str, Any], name: str, entries: Iterable[dict[str, Any]]) -> None:
    """Print one JSON object whose last value is a list of any length, some entries at a time."""
    text = json.dumps(head, ensure_ascii=False).removesuffix("}")
    print(f"{text}, {json.dumps(name)}: [", end="")
    separator = ""
    for entry in entries:
        print(separator + json.dumps(entry, ensure_ascii=False), end="")
        separator = ", "
    print("]}")


def print_lines(entries: Iterable[dict[str, Any]], output: str) -> None:
    """Print rows of any number as lines; a table is laid out block by block."""
    entries = iter(entries)
    if output == "plain":
        for entry in entries:
            print("\t".join(_one_line(value) for value in entry.values()))
        return
    while block := list(islice(entries, BLOCK)):
        print_rows([{key: _one_line(value) for key, value in row.items()} for row in block], output)


def _one_line(value: Any) -> str:
    """Return a value without what would break a line or a column: a rejected id can hold anything."""
    text = str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
