"""Say why storage refused, and what to do about it."""

from __future__ import annotations

import errno
import os

DISK_FULL = "the disk is full; free space and run again"

_REMEDY = {
    errno.ENOSPC: DISK_FULL,
    errno.EDQUOT: "the disk quota is used up; free space and run again",
    errno.EROFS: "the folder is read-only; make it writable or change the output",
    errno.EACCES: "this user may not; change the permissions or the output",
    errno.EPERM: "this user may not; change the permissions or the output",
    errno.ENAMETOOLONG: "the path is too long for this file system; use a shorter id or root",
    errno.ENOTDIR: "a file stands where a folder is needed; move it away",
    errno.EISDIR: "a folder stands where a file is needed; move it away",
}

_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_FULL_BELOW = 4096


def explain(error: OSError) -> str:
    """Return the error's own text with what to do."""
    remedy = _REMEDY.get(error.errno or 0)
    return f"{error}; {remedy}" if remedy else str(error)


def is_refusal(error: BaseException, folder: str | os.PathLike[str]) -> bool:
    """Tell whether a failed write is storage's doing.

    Codecs report a full disk as an error of their own kind, so the disk is asked as well.

    :param folder: where the write went.
    """
    if isinstance(error, OSError) and error.errno in _REFUSALS:
        return True
    return disk_is_full(folder)


def disk_is_full(folder: str | os.PathLike[str]) -> bool:
    """Tell whether nothing more can be written to ``folder``."""
    try:
        stat = os.statvfs(folder)
    except OSError:
        return False
    return stat.f_bavail * stat.f_frsize < _FULL_BELOW
