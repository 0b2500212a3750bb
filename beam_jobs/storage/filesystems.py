"""Any other scheme, through Beam's file systems (``hdfs://``, …).

Beam has no create-only write. So a draft is uploaded beside the artifact and renamed, and of two
writers at once the later one stays: whole, and equal, because a step's result depends on its inputs only.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from beam_jobs.storage.store import TEMP_PREFIX, Found, Scratch


class BeamStore:
    """URIs that a Beam file system serves."""

    def look(self, uri: str) -> Found | None:
        """Return the object at ``uri``, or None."""
        from apache_beam.io.filesystem import BeamIOError
        from apache_beam.io.filesystems import FileSystems

        if not FileSystems.exists(uri):
            return None
        filesystem = FileSystems.get_filesystem(uri)
        try:
            found = filesystem.metadata(uri)
        except BeamIOError:
            if FileSystems.exists(uri):
                raise
            return None  # it went between the two questions
        return Found(size=found.size_in_bytes, updated=found.last_updated_in_seconds or 0.0)

    def fetch(self, uri: str, scratch: Scratch) -> Path:
        """Copy the object into ``scratch``, under a name that keeps its suffix."""
        from apache_beam.io.filesystem import CompressionTypes
        from apache_beam.io.filesystems import FileSystems

        path = scratch.new_file(PurePosixPath(uri).suffix)
        raw = CompressionTypes.UNCOMPRESSED
        with FileSystems.open(uri, compression_type=raw) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        return path

    @contextmanager
    def draft(self, uri: str, suffix: str) -> Iterator[Path]:
        """Give a path in a local temporary folder."""
        with Scratch() as scratch:
            yield scratch.new_file(suffix)

    def publish(self, draft: Path, uri: str, *, replace: bool) -> bool:
        """Upload beside the artifact's address, then rename."""
        from apache_beam.io.filesystem import CompressionTypes
        from apache_beam.io.filesystems import FileSystems

        if not replace and FileSystems.exists(uri):
            return False
        folder, name = FileSystems.split(uri)
        with suppress(OSError, NotImplementedError):  # there already, or a store that has no folders
            FileSystems.mkdirs(folder)
        part = FileSystems.join(folder, f"{TEMP_PREFIX}{uuid.uuid4().hex}-{name}"[:200])
        raw = CompressionTypes.UNCOMPRESSED
        try:
            with FileSystems.create(part, compression_type=raw) as target, draft.open("rb") as source:
                shutil.copyfileobj(source, target, 1 << 20)
            FileSystems.rename([part], [uri])
        except BaseException:
            with suppress(Exception):
                FileSystems.delete([part])
            raise
        return True

    def remove(self, uri: str) -> None:
        """Delete the object."""
        from apache_beam.io.filesystems import FileSystems

        if FileSystems.exists(uri):
            FileSystems.delete([uri])
