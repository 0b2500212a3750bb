"""A job's totals, added up from its report rows inside the pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apache_beam as beam

from beam_jobs.contract.report import Status, decode_report_row

Totals = dict[str, Any]

_SUMS = ("bytes_in", "bytes_out", "media_seconds")
_TABLES = ("counts", "seconds", "cpu_seconds", "errors")


class AddUp(beam.CombineFn):
    """Encoded report rows -> one dictionary."""

    def create_accumulator(self) -> Totals:
        """Return zeros."""
        return {**{name: {} for name in _TABLES}, **dict.fromkeys(_SUMS, 0)}

    def add_input(self, totals: Totals, line: str) -> Totals:
        """Add one row."""
        row = decode_report_row(line)
        _add(totals["counts"], {str(row.status): 1})
        _add(totals["seconds"], row.seconds)
        _add(totals["cpu_seconds"], row.cpu_seconds)
        if row.error_class:
            _add(totals["errors"], {row.error_class: 1})
        for name in _SUMS:
            totals[name] += getattr(row, name)
        return totals

    def merge_accumulators(self, many: Iterable[Totals]) -> Totals:
        """Add several totals up."""
        merged = self.create_accumulator()
        for totals in many:
            for name in _TABLES:
                _add(merged[name], totals[name])
            for name in _SUMS:
                merged[name] += totals[name]
        return merged

    def extract_output(self, totals: Totals) -> Totals:
        """Return the totals with every status named and numbers in a fixed order."""
        counts = {str(status): totals["counts"].get(str(status), 0) for status in Status}
        tables = {name: _rounded(totals[name]) for name in ("seconds", "cpu_seconds")}
        errors = dict(sorted(totals["errors"].items()))
        return {**totals, "counts": counts, "errors": errors, **tables}


def _add(into: dict[str, float], values: dict[str, float]) -> None:
    for name, value in values.items():
        into[name] = into.get(name, 0) + value


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(values[name], 3) for name in sorted(values)}
