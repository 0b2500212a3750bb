"""A folder for compiled code that is one process's alone.

Numba keeps what it compiles in files, two for each generalised ufunc (librosa has many). When two processes
compile the same one at once, the files of one may end up beside those of the other, and from then on every
process that loads them dies by SIGSEGV (numba/numba#10128). Children of a pool start at once, so each has a
folder of its own, which the next one takes over when it is gone.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"
MAX_FOLDERS = 1000

_held: list[int] = []
"""Open files whose locks last as long as this process."""


def claim_cache() -> Path | None:
    """Have Numba use a folder that no other living process uses; call it before Numba is imported.

    :return: the folder, or None where none can be had: Numba then does as it always does.
    """
    try:
        import fcntl
    except ImportError:
        return None
    for folder in _folders():
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another process has it
            os.close(lock)
            continue
        _held.append(lock)
        os.environ[VARIABLE] = str(folder)
        return folder
    return None


def _folders() -> Iterator[Path]:
    return (_root() / str(number) for number in range(MAX_FOLDERS))


def _root() -> Path:
    """Return the folder of Numba's that is configured, else one among this user's caches."""
    configured = os.environ.get(VARIABLE)
    if configured:
        return Path(configured)
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        root = cache / "beam-media" / "numba"
        root.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # no home, or one that cannot be written
        root = Path(tempfile.gettempdir(), f"beam-media-{os.getuid()}", "numba")
    return root
