"""Report parts, written where the pipeline runs in one process: as they come, without a copy at the end.

Beam's own file sink first writes temporary files and renames them all, for the sake of workers that may
die and be replaced. In one process nothing is tried twice: a run that breaks off has no summary, and the
next one removes its parts.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from beam_jobs.contract.address import local_path
from beam_jobs.pipelines.report_files import PART, SUFFIX, beam_path

_numbers = itertools.count()
"""One count for the process: Beam may make a new DoFn for each bundle."""


class WriteParts(beam.DoFn):
    """Encoded report rows -> the URIs of the parts that hold them.

    :param report: folder of the report.
    :param rows_per_part: a part holds at most so many.
    """

    def __init__(self, report: str, *, rows_per_part: int) -> None:
        self._folder = report.rstrip("/")
        self._rows_per_part = rows_per_part
        self._part: _Part | None = None

    def setup(self) -> None:
        """Make the folder, where storage has folders."""
        with suppress(OSError, NotImplementedError):
            FileSystems.mkdirs(beam_path(self._folder))

    def process(self, row: str) -> Iterator[str]:
        """Add one row; a part that is full is closed and given."""
        if self._part is None:
            self._part = _Part(f"{self._folder}/{PART}-{next(_numbers):05d}{SUFFIX}")
        self._part.add(row)
        if self._part.rows == self._rows_per_part:
            yield self._close(self._part)

    def finish_bundle(self) -> Iterator[Any]:
        """Close the last part."""
        if self._part is not None:
            yield WindowedValue(self._close(self._part), MIN_TIMESTAMP, (GlobalWindow(),))

    def teardown(self) -> None:
        """Leave no file of a bundle that broke off."""
        if self._part is not None:
            self._part.drop()

    def _close(self, part: _Part) -> str:
        self._part = None
        return part.close()


class _Part:
    """A part that is being written; it has its name when it is whole."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.rows = 0
        path = local_path(uri)
        self._path = None if path is None else Path(path)
        self._draft = (
            uri if self._path is None else f"{self._path.parent}/.tmp-{os.getpid()}-{self._path.name}"
        )
        self._file: BinaryIO = FileSystems.create(
            self._draft, mime_type="application/json", compression_type=CompressionTypes.UNCOMPRESSED
        )

    def add(self, row: str) -> None:
        self._file.write(f"{row}\n".encode())
        self.rows += 1

    def close(self) -> str:
        self._file.close()
        if self._path is not None:
            Path(self._draft).replace(self._path)
        return self.uri

    def drop(self) -> None:
        """Give up: an object store may then hold a part, but no summary counts it."""
        with suppress(OSError):
            self._file.close()
            if self._path is not None:
                Path(self._draft).unlink()
