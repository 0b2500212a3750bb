"""Store what a step returned: the same value always gives the same bytes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from beam_jobs.contract.errors import StepResultError

ACCEPTED = "a dict or list (stored as JSON), bytes, a NumPy array, or call.output after writing that file"


def store_result(result: Any, output: Path, *, item: str) -> None:
    """Write ``result`` to ``output``.

    :raises StepResultError: for nothing, for a value that is none of the accepted kinds, for numbers
        that JSON does not have (NaN, infinity), and for an empty file.
    """
    if isinstance(result, dict | list):
        output.write_bytes(_canonical_json(result, item))
    elif isinstance(result, bytes | bytearray | memoryview):
        output.write_bytes(result)
    elif isinstance(result, Path):
        _check_own_file(result, output, item)
    elif _is_array(result):
        _save_array(result, output, item)
    else:
        what = "nothing" if result is None else f"a {type(result).__name__}"
        raise StepResultError(f"item {item!r}: the step returned {what}; return {ACCEPTED}")
    if output.stat().st_size == 0:
        raise StepResultError(
            f"item {item!r}: the artifact is empty (0 bytes); write something or raise an error"
        )


def _canonical_json(result: Any, item: str) -> bytes:
    try:
        text = json.dumps(result, sort_keys=True, allow_nan=False, ensure_ascii=False, indent=None)
        return text.encode() + b"\n"
    except (ValueError, TypeError, RecursionError) as error:
        raise StepResultError(
            f"item {item!r}: the result is not JSON: {error}; "
            "return finite numbers, strings, lists and dicts only"
        ) from error


def _check_own_file(result: Path, output: Path, item: str) -> None:
    if result != output:
        raise StepResultError(
            f"item {item!r}: the step returned the path {result}; write to call.output and return that"
        )
    if not output.is_file():
        raise StepResultError(f"item {item!r}: the step returned call.output but wrote no file there")


def _is_array(result: Any) -> bool:
    numpy = sys.modules.get("numpy")  # not imported, then the result is no array
    return numpy is not None and isinstance(result, numpy.ndarray)


def _save_array(result: Any, output: Path, item: str) -> None:
    import numpy as np

    try:
        with output.open("wb") as file:
            np.save(file, result, allow_pickle=False)
    except ValueError as error:
        raise StepResultError(
            f"item {item!r}: the array cannot be stored: {error}; return a numeric array"
        ) from error
