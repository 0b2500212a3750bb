"""Local files: inputs are read where they are, artifacts appear by a hard link.

A draft lies in the artifact's own folder, so that publishing it is one step of one file system.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from beam_jobs.contract.address import local_path
from beam_jobs.contract.errors import StorageError
from beam_jobs.storage.store import TEMP_PREFIX, Found, Scratch, removed_after

STALE_S = 2 * 86400
"""A draft that nobody wrote to for so long belongs to nobody."""

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)

_numbers = itertools.count()
_swept: set[str] = set()


class LocalStore:
    """``file://`` URIs and plain paths."""

    def look(self, uri: str) -> Found | None:
        """Return the file at ``uri``, or None."""
        try:
            stat = os.stat(_path(uri))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Found(size=stat.st_size, updated=stat.st_mtime)

    def fetch(self, uri: str, scratch: Scratch) -> Path:
        """Return the file itself."""
        return Path(_path(uri))

    @contextmanager
    def draft(self, uri: str, suffix: str) -> Iterator[Path]:
        """Give a path beside the artifact's own, whose folder is made."""
        folder = os.path.dirname(_path(uri)) or "."
        os.makedirs(folder, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise StorageError(
                errno.EROFS, f"cannot write to the folder {folder}; make it writable or change the output"
            )
        if folder not in _swept:
            _swept.add(folder)
            _sweep(folder)
        path = Path(folder, f"{TEMP_PREFIX}{_owner()}-{os.getpid()}-{next(_numbers)}{suffix}")
        with removed_after(path):
            yield path

    def publish(self, draft: Path, uri: str, *, replace: bool) -> bool:
        """Link the draft to its name, or rename it over what is there."""
        path = _path(uri)
        if replace:
            os.replace(draft, path)
            return True
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            return _rename_if_absent(draft, path)
        return True


def _path(uri: str) -> str:
    path = local_path(uri)
    if path is None:
        raise StorageError(errno.EINVAL, f"{uri} is not a local file")
    return path


def _rename_if_absent(draft: Path, path: str) -> bool:
    """Publish where the file system has no hard links; of two writers at once the later one stays, whole."""
    if os.path.exists(path):
        return False
    os.replace(draft, path)
    return True


@cache
def _owner() -> str:
    """Name the machine and its process numbers, so that nobody takes another's live process for a dead one."""
    try:
        space = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        space = 0
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:8]


def _sweep(folder: str) -> None:
    """Remove drafts of processes that died; each folder once a process."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(TEMP_PREFIX) and _is_dead(entry):
                try:
                    os.unlink(entry.path)
                except IsADirectoryError:
                    shutil.rmtree(entry.path, ignore_errors=True)
                except OSError:
                    continue  # another run sweeps as well, or we may not: it is only litter


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
