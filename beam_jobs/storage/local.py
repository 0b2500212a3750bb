"""Local files: inputs are read where they are, artifacts appear by a hard link.

A draft lies in the artifact's own folder, so that publishing it is one step of one file system.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from beam_jobs.contract.address import local_path
from beam_jobs.contract.errors import StorageError
from beam_jobs.storage.store import TEMP_PREFIX, Found, Scratch, removed_after

STALE_S = 2 * 86400
"""A draft that nobody wrote to for so long belongs to nobody."""

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)

_numbers = itertools.count()
_swept: set[Path] = set()


class LocalStore:
    """``file://`` URIs and plain paths."""

    def look(self, uri: str) -> Found | None:
        """Return the file at ``uri``, or None."""
        path = _path(uri)
        try:
            facts = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if stat.S_ISDIR(facts.st_mode):
            raise StorageError(errno.EISDIR, "is a folder", str(path))
        return Found(size=facts.st_size, updated=facts.st_mtime)

    def fetch(self, uri: str, scratch: Scratch) -> Path:
        """Return the file itself."""
        return _path(uri)

    @contextmanager
    def draft(self, uri: str, suffix: str) -> Iterator[Path]:
        """Give a path beside the artifact's own, whose folder is made."""
        folder = _path(uri).parent
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise StorageError(errno.EROFS, "cannot write to the folder", str(folder))
        if folder not in _swept:
            _swept.add(folder)
            _sweep(folder)
        path = folder / f"{TEMP_PREFIX}{_owner()}-{os.getpid()}-{next(_numbers)}{suffix}"
        with removed_after(path):
            yield path

    def publish(self, draft: Path, uri: str, *, replace: bool) -> bool:
        """Link the draft to its name, or rename it over what is there."""
        path = _path(uri)
        if replace:
            draft.replace(path)
            return True
        try:
            os.link(draft, path)  # unlike a rename it fails when the name is taken
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            return _rename_if_absent(draft, path)
        return True

    def remove(self, uri: str) -> None:
        """Remove the file."""
        with suppress(NotADirectoryError):
            _path(uri).unlink(missing_ok=True)


def _path(uri: str) -> Path:
    path = local_path(uri)
    if path is None:
        raise StorageError(errno.EINVAL, f"{uri} is not a local file")
    return Path(path)


def _rename_if_absent(draft: Path, path: Path) -> bool:
    """Publish where the file system has no hard links; of two writers at once the later one stays, whole."""
    if path.exists():
        return False
    draft.replace(path)
    return True


@cache
def _owner() -> str:
    """Name the machine and its space of process numbers: another's live process must not look dead."""
    try:
        space = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        space = 0
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:8]


def _sweep(folder: Path) -> None:
    """Remove drafts of processes that died; each folder once a process."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(TEMP_PREFIX) and _is_dead(entry):
                with suppress(OSError):  # another run sweeps as well, or we may not: it is only litter
                    Path(entry).unlink()


def _is_dead(entry: os.DirEntry[str]) -> bool:
    owner, _, rest = entry.name.removeprefix(TEMP_PREFIX).partition("-")
    pid = rest.partition("-")[0]
    try:
        if owner == _owner() and pid.isdigit() and int(pid) != os.getpid():
            os.kill(int(pid), 0)
        return time.time() - entry.stat(follow_symlinks=False).st_mtime > STALE_S
    except ProcessLookupError:
        return True
    except OSError:
        return False
