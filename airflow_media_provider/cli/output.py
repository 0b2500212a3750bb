"""Answers in the formats of Airflow's own commands; JSON keeps numbers as numbers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from itertools import islice
from typing import Any, TextIO

BLOCK = 10_000
"""Rows of a table that are laid out at a time."""

_ANSWERS: ContextVar[TextIO | None] = ContextVar("answers", default=None)


@contextmanager
def only_answers() -> Iterator[None]:
    """Send what else is printed to standard error: a step's module may print, a logger may."""
    token = _ANSWERS.set(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _ANSWERS.reset(token)


@contextmanager
def answer() -> Iterator[None]:
    """Print to standard output, also inside of :func:`only_answers`."""
    with redirect_stdout(_ANSWERS.get() or sys.stdout):
        yield


def is_object(output: str) -> bool:
    """Tell whether a format holds one object, and not lines for people."""
    return output in ("json", "yaml")


def print_object(value: dict[str, Any] | list[dict[str, Any]], output: str) -> None:
    """Print one JSON or YAML object."""
    if output == "yaml":
        import yaml

        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    else:
        text = json.dumps(value, ensure_ascii=False) + "\n"
    with answer():
        print(text, end="")


def print_text(lines: Iterable[str]) -> None:
    """Print lines as they are."""
    with answer():
        for line in lines:
            print(line)


def print_rows(rows: Sequence[dict[str, Any]], output: str) -> None:
    """Print rows as a table, as plain columns, or as a list."""
    if is_object(output):
        print_object(list(rows), output)
        return
    from airflow.cli.simple_table import AirflowConsole

    shown = [{key: _one_line(value) for key, value in row.items()} for row in rows]
    with answer():
        # An item id may hold what rich takes for markup, as [red] or :smile:.
        AirflowConsole(markup=False, emoji=False, highlight=False).print_as(data=shown, output=output)


def count_rows(jobs: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return job -> counts as rows."""
    return [{"job": job, **counts} for job, counts in jobs.items()]


def print_with_list(head: dict[str, Any], name: str, entries: Iterable[dict[str, Any]]) -> None:
    """Print one JSON object whose last value is a list of any length, entry by entry."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    with answer():
        write = sys.stdout.write
        write(f"{encode(head).removesuffix('}')}, {encode(name)}: [")
        separator = ""
        for entry in entries:
            write(separator + encode(entry))
            separator = ", "
        write("]}\n")


def print_lines(entries: Iterable[dict[str, Any]], output: str) -> None:
    """Print rows of any number as lines; a table is laid out block by block."""
    entries = iter(entries)
    if output == "plain":
        print_text("\t".join(map(_one_line, entry.values())) for entry in entries)
        return
    while block := list(islice(entries, BLOCK)):
        print_rows(block, output)


def _one_line(value: Any) -> str:
    """Return a value without what would break a line or a column: a rejected id can hold anything."""
    text = str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
