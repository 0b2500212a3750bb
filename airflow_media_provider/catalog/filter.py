"""A filter over the columns of a list: ``country == "SE" and year >= 2020``.

It is written as in Python and read by Python's own parser, never run: what is not a comparison of a column
with a value, or ``and``, ``or``, ``not`` of such, is refused. A value that is missing fits nothing but
``is None``, also under ``not``.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from airflow_media_provider.errors import SelectionError

MAX_LENGTH = 10_000
Operator = Literal["==", "!=", "<", "<=", ">", ">="]
Value = str | int | float | bool

_OPERATORS: Mapping[type[ast.cmpop], Operator] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_OPPOSITE: Mapping[Operator, Operator] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED: Mapping[Operator, Operator] = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
COMPARE: Mapping[Operator, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None, "none": None}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column and a value."""

    column: str
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class OneOf:
    """A column and values that it may, or may not, have."""

    column: str
    values: tuple[Value, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """Whether a column has no value."""

    column: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Several:
    """Conditions of which all must hold, or any."""

    every: bool
    parts: tuple[Condition, ...]


Condition = Comparison | OneOf | Missing | Several
"""``not`` is not among them: it is moved inward when a filter is read, so that missing values fit nothing."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that has been read.

    :param text: as it was written, for messages.
    """

    text: str
    condition: Condition

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it asks about."""
        return frozenset(_columns(self.condition))


def parse_filter(text: str) -> Filter:
    """Read a filter; raises SelectionError that says which part of it is wrong."""
    if len(text) > MAX_LENGTH:
        raise SelectionError(
            f"items_filter: has {len(text)} characters, at most {MAX_LENGTH} may be; give a list"
        )
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return Filter(text.strip(), _condition(tree.body, negated=False))
    except SyntaxError as error:
        raise SelectionError(f"items_filter {text!r}: {error.msg} at column {error.offset}") from error
    except (RecursionError, MemoryError) as error:
        raise SelectionError("items_filter: is nested too deeply") from error
    except ValueError as error:
        raise SelectionError(f"items_filter {text!r}: {error}") from error


def _condition(node: ast.expr, *, negated: bool) -> Condition:
    match node:
        case ast.BoolOp():
            parts = tuple(_condition(part, negated=negated) for part in node.values)
            return Several(isinstance(node.op, ast.And) != negated, parts)
        case ast.UnaryOp(op=ast.Not()):
            return _condition(node.operand, negated=not negated)
        case ast.Compare():
            links = _links(node)
            if len(links) == 1:
                return _compare(*links[0], negated=negated)
            return Several(not negated, tuple(_compare(*link, negated=negated) for link in links))
        case _ if (column := _column(node)) is not None:
            return Comparison(column, "==", not negated)
    raise ValueError(f"{_source(node)} is no condition; compare a column with a value")


def _links(node: ast.Compare) -> list[tuple[ast.expr, ast.cmpop, ast.expr]]:
    lefts = [node.left, *node.comparators[:-1]]
    return list(zip(lefts, node.ops, node.comparators, strict=True))


def _compare(left: ast.expr, op: ast.cmpop, right: ast.expr, *, negated: bool) -> Condition:
    column = _column(left)
    if isinstance(op, ast.In | ast.NotIn):
        if column is None or not isinstance(right, ast.List | ast.Tuple | ast.Set):
            raise ValueError(f'write: column in ["a", "b"], instead of in {_source(right)}')
        values = tuple(_present(_value(entry), "in") for entry in right.elts)
        return OneOf(column, values, isinstance(op, ast.NotIn) != negated)
    if column is None:
        mirrored = _column(right)
        if mirrored is None:
            raise ValueError(f"{_source(left)} and {_source(right)} are no columns; compare a column")
        return _with_value(mirrored, _mirror(op), _value(left), negated=negated)
    if _column(right) is not None:
        raise ValueError(f"{_source(right)} is a column too; compare a column with a value")
    return _with_value(column, op, _value(right), negated=negated)


def _with_value(column: str, op: ast.cmpop, value: Value | None, *, negated: bool) -> Condition:
    is_not = isinstance(op, ast.IsNot | ast.NotEq)
    if value is None and isinstance(op, ast.Is | ast.IsNot | ast.Eq | ast.NotEq):
        return Missing(column, is_not != negated)
    if isinstance(op, ast.Is | ast.IsNot):
        raise ValueError(f"'is' goes with None; write == for {value!r}")
    sign = _OPERATORS[type(op)]
    return Comparison(column, _OPPOSITE[sign] if negated else sign, _present(value, sign))


def _mirror(op: ast.cmpop) -> ast.cmpop:
    """Turn ``2020 <= year`` round."""
    if type(op) not in _OPERATORS:
        return op
    wanted = _MIRRORED[_OPERATORS[type(op)]]
    return next(kind for kind, sign in _OPERATORS.items() if sign == wanted)()


def _present(value: Value | None, sign: str) -> Value:
    if value is None:
        raise ValueError(f"None cannot stand with {sign!r}; write: column is None")
    return value


def _column(node: ast.expr) -> str | None:
    """Return the column that ``node`` names, as a word or as ``col("any name")``."""
    match node:
        case ast.Name() if node.id.lower() not in _WORDS:
            return node.id
        case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str(name))], keywords=[]):
            return name
    return None


def _value(node: ast.expr) -> Value | None:
    match node:
        case ast.Constant(value=str() | bool() | int() | float() | None):
            return node.value  # type: ignore[return-value]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.Name() if node.id.lower() in _WORDS:
            word: Value | None = _WORDS[node.id.lower()]
            return word
    raise ValueError(f'{_source(node)} is no value; write a number, true, false, None or "text" in quotes')


def _source(node: ast.AST) -> str:
    text = ast.unparse(node)
    return repr(text if len(text) <= 60 else f"{text[:60]}…")  # noqa: PLR2004


def _columns(condition: Condition) -> Iterator[str]:
    if isinstance(condition, Several):
        for part in condition.parts:
            yield from _columns(part)
    else:
        yield condition.column
