"""Walking a folder tree by string prefix: a million files in about a second, and never one ``stat`` each.

Folders that cannot hold a name within the prefix and the bounds are not read at all.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator

from airflow_media_provider.storage.store import BATCH, is_temporary

logger = logging.getLogger(__name__)

Entries = list["os.DirEntry[str]"]


def walk(prefix: str, start: str, end: str) -> Iterator[tuple[list[str], Entries]]:
    """Yield the files whose path begins with ``prefix`` and lies in ``[start, end]``, some at a time.

    :return: their paths, and what the folder said of each.
    """
    head = prefix[: prefix.rfind("/") + 1]
    # Folders still to read; each is the text before its files' names, "" for the working folder.
    todo = [head]
    while todo:
        folder = todo.pop()
        for names, entries, folders in _read(folder):
            todo += [f for f in folders if _may_hold(f, prefix, start, end)]
            keep = [
                i
                for i, name in enumerate(names)
                if name.startswith(prefix) and name >= start and (not end or name <= end)
                and not is_temporary(name)
            ]  # fmt: skip
            if len(keep) == len(names):
                yield _valid(names, entries)
            else:
                yield _valid([names[i] for i in keep], [entries[i] for i in keep])


def _read(folder: str) -> Iterator[tuple[list[str], Entries, list[str]]]:
    """Yield files and subfolders of one folder; one that vanished or never was holds nothing."""
    names: list[str] = []
    entries: Entries = []
    folders: list[str] = []
    try:
        scan = os.scandir(folder or ".")
    except (FileNotFoundError, NotADirectoryError):
        return
    with scan:
        for entry in scan:
            if entry.is_file(follow_symlinks=False):
                names.append(folder + entry.name)
                entries.append(entry)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(f"{folder}{entry.name}/")
            elif entry.is_symlink():
                _follow(entry, folder, names, entries, folders)
            if len(names) >= BATCH:
                yield names, entries, folders
                names, entries, folders = [], [], []
    yield names, entries, folders


def _follow(
    entry: os.DirEntry[str], folder: str, names: list[str], entries: Entries, folders: list[str]
) -> None:
    """Sort a link in: a file, a folder, or nothing when it is broken or leads back to where it stands."""
    try:
        if entry.is_file():
            names.append(folder + entry.name)
            entries.append(entry)
        elif entry.is_dir() and not _leads_back(entry):
            folders.append(f"{folder}{entry.name}/")
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ELOOP):  # gone since the folder was read, or a circle
            raise


def _leads_back(entry: os.DirEntry[str]) -> bool:
    """Tell whether a link to a folder leads to one that it lies in: following it would never end."""
    target = os.stat(entry.path)
    parent = os.path.dirname(os.path.abspath(entry.path))
    while True:
        if os.path.samestat(os.stat(parent), target):
            return True
        if parent == "/":
            return False
        parent = os.path.dirname(parent)


def _may_hold(folder: str, prefix: str, start: str, end: str) -> bool:
    """Tell whether a path that begins with ``folder`` can match the prefix and lie within the bounds."""
    if not (folder.startswith(prefix) or prefix.startswith(folder)):
        return False
    if folder < start and not start.startswith(folder):
        return False
    return not end or folder <= end


def _valid(names: list[str], entries: Entries) -> tuple[list[str], Entries]:
    """Leave out names that are not UTF-8: no item id and no URI can spell them."""
    try:
        "".join(names).encode()
    except UnicodeEncodeError:
        keep = []
        for i, name in enumerate(names):
            try:
                name.encode()
            except UnicodeEncodeError:
                logger.warning("left out %r: its name is not UTF-8; rename it", os.fsencode(name))
            else:
                keep.append(i)
        return [names[i] for i in keep], [entries[i] for i in keep]
    return names, entries
