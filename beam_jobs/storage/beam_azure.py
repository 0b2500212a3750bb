"""``abfs://`` for Beam, whose own file system of Azure knows only ``azfs://`` and no create-only write.

Manifests and reports are read and written through Beam; artifacts are not, see :mod:`.remote`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata, FileSystem

from beam_jobs.storage import remote


class AbfsFileSystem(FileSystem):
    """Containers of Azure's blob storage, as ``abfs://container/key``."""

    @classmethod
    def scheme(cls) -> str:
        """Return what URIs begin with."""
        return "abfs"

    def join(self, basepath: str, *paths: str) -> str:
        """Return the parts with one ``/`` between."""
        return "/".join([basepath.rstrip("/"), *(path.strip("/") for path in paths)])

    def split(self, path: str) -> tuple[str, str]:
        """Return the folder and the name."""
        folder, _, name = path.rpartition("/")
        return folder, name

    def mkdirs(self, path: str) -> None:
        """Do nothing: there are no folders."""

    def has_dirs(self) -> bool:
        """Return False: there are no folders."""
        return False

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        folder = dir_or_prefix[: dir_or_prefix.rindex("/")]
        with remote.as_os_error(dir_or_prefix):
            try:
                found = self._fs.find(folder, detail=True)
            except FileNotFoundError:
                return
        for name, facts in found.items():
            uri = f"abfs://{name}"
            if uri.startswith(dir_or_prefix):
                yield FileMetadata(uri, facts["size"], remote.updated(facts))

    def create(
        self, path: str, mime_type: str = "", compression_type: str = CompressionTypes.AUTO
    ) -> BinaryIO:
        """Open for writing; the object is there when it is closed."""
        return cast(BinaryIO, _compressed(_Upload(self._fs, path), path, compression_type))

    def open(self, path: str, mime_type: str = "", compression_type: str = CompressionTypes.AUTO) -> BinaryIO:
        """Open for reading."""
        with remote.as_os_error(path):
            return cast(BinaryIO, _compressed(self._fs.open(path, "rb"), path, compression_type))

    def copy(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        """Copy objects."""
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            with remote.as_os_error(source):
                self._fs.pipe_file(target, self._fs.cat_file(source))

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        """Copy objects, then remove the old ones."""
        self.copy(source_file_names, destination_file_names)
        self.delete(source_file_names)

    def exists(self, path: str) -> bool:
        """Tell whether there is an object."""
        with remote.as_os_error(path):
            return remote.facts(self._fs, path) is not None

    def size(self, path: str) -> int:
        """Return an object's bytes."""
        return int(self.metadata(path).size_in_bytes)

    def last_updated(self, path: str) -> float:
        """Return when an object was written, in seconds since the epoch."""
        return float(self.metadata(path).last_updated_in_seconds)

    def checksum(self, path: str) -> str:
        """Return what changes when the object does."""
        found = self.metadata(path)
        return f"{found.size_in_bytes}-{found.last_updated_in_seconds}"

    def metadata(self, path: str) -> FileMetadata:
        """Return size and time; raises BeamIOError when there is no object."""
        with remote.as_os_error(path):
            facts = remote.facts(self._fs, path)
        if facts is None:
            raise BeamIOError("there is no such object", {path: FileNotFoundError(path)})
        return FileMetadata(path, facts["size"], remote.updated(facts))

    def delete(self, paths: list[str]) -> None:
        """Remove objects; raises BeamIOError with what could not be."""
        failed: dict[str, Exception] = {}
        for path in paths:
            try:
                with remote.as_os_error(path):
                    self._fs.rm_file(path)
            except OSError as error:
                failed[path] = error
        if failed:
            raise BeamIOError("Delete operation failed", failed)

    @property
    def _fs(self) -> Any:
        return remote.filesystem("abfs")


class _Upload(io.BytesIO):
    """What is written goes up in one piece when it is closed; parts of a report are small."""

    def __init__(self, fs: Any, path: str) -> None:
        super().__init__()
        self._fs, self._path = fs, path

    def close(self) -> None:
        if not self.closed:
            with remote.as_os_error(self._path):
                self._fs.pipe_file(self._path, self.getvalue())
        super().close()


def _compressed(file: Any, path: str, compression_type: str) -> Any:
    from apache_beam.io.filesystem import CompressedFile

    if compression_type == CompressionTypes.AUTO:
        compression_type = CompressionTypes.detect_compression_type(path)
    return (
        file if compression_type == CompressionTypes.UNCOMPRESSED else CompressedFile(file, compression_type)
    )
