"""CSV with a header: a column with the item, and perhaps ``force`` and ``ping``; others are for filters."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from airflow_media_provider.catalog.formats.lines import MAX_LINE, encoding_of
from airflow_media_provider.catalog.override import Override, read_override
from airflow_media_provider.catalog.rows import CHUNK, Rejected, Rows, reject, strings
from airflow_media_provider.catalog.view import View
from airflow_media_provider.errors import SelectionError


def read(file: BinaryIO, uri: str, jobs: Collection[str], view: View) -> Iterator[Rows]:
    """Yield the rows; one that has not the header's columns is rejected and the next one read."""
    text = io.TextIOWrapper(file, encoding=encoding_of(file, uri), errors="surrogateescape", newline="")
    lines = _lines(text, uri)
    first = next(lines, "")
    delimiter = max(",;\t", key=first.count)
    header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
    view.check(header, f"items_uri {uri}")
    table = _Table(uri=uri, jobs=jobs, view=view, header=header, delimiter=delimiter)
    yield from table.rows(csv.reader(lines, delimiter=delimiter, strict=True))
    text.detach()  # the file is closed by whoever opened it


def _lines(text: io.TextIOWrapper, uri: str) -> Iterator[str]:
    number = 0
    while line := text.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE:
            raise SelectionError(f"items_uri {uri}:{number}: a line of more than {MAX_LINE} characters")
        yield line


@dataclass(slots=True, kw_only=True)
class _Table:
    uri: str
    jobs: Collection[str]
    view: View
    header: list[str]
    delimiter: str
    lines: list[int] = field(default_factory=list)
    values: list[str | None] = field(default_factory=list)
    overrides: dict[int, Override] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)

    def rows(self, reader: Any) -> Iterator[Rows]:
        while True:
            line = reader.line_num + 2  # the header is line 1
            row = self._next(reader, line)
            if row is None:
                break
            if row:
                self._add(row, line)
            if len(self.values) >= CHUNK:
                yield self._flush()
        yield self._flush()

    def _next(self, reader: Any, line: int) -> list[str] | None:
        """Return the next row, [] for one that is not CSV, None at the end."""
        try:
            return next(reader, None)
        except csv.Error as error:
            if "unexpected end" in str(error) or "field larger" in str(error):
                # Nobody can tell how many rows are inside the quotes, so none is guessed.
                message = f"items_uri {self.uri}:{line}: a quote opens here and does not close"
                raise SelectionError(message) from error
            self.rejected.append(reject("", f"{self.uri}:{line}", f"is not CSV: {error}"))
            return []

    def _add(self, row: list[str], line: int) -> None:
        where = f"{self.uri}:{line}"
        if not any(cell.strip() for cell in row):
            return
        if len(row) != len(self.header):
            why = (
                f"has {len(row)} columns, the header {len(self.header)}; quote values with {self.delimiter!r}"
            )
            self.rejected.append(reject(self.delimiter.join(row), where, why))
            return
        cells = dict(zip(self.header, row, strict=True))
        try:
            if not self.view.takes(cells):
                return
            override = read_override(cells.get("force"), cells.get("ping"), self.jobs)
        except ValueError as error:
            self.rejected.append(reject(self.delimiter.join(row), where, str(error)))
            return
        if override is not None:
            self.overrides[len(self.values)] = override
        self.lines.append(line)
        self.values.append(cells[self.view.item].strip())

    def _flush(self) -> Rows:
        lines = self.lines

        def place(index: int) -> str:
            return f"{self.uri}:{lines[index]}"

        values, not_unicode = strings(self.values, place)
        rows = Rows(
            values=values, place=place, overrides=self.overrides, rejected=[*self.rejected, *not_unicode]
        )
        self.lines, self.values, self.overrides, self.rejected = [], [], {}, []
        return rows
