"""Errors of Airflow's side.

::

    MediaError
    ├── RegistryError      the registry has faults; ``faults`` lists every one with file and line
    ├── SelectionError     a list, prefix or pattern that cannot be read
    │   └── EmptySelection it was read, and there is not one item in it
    ├── PlanError          a request that the graph cannot answer (unknown job, force off the line)
    ├── StorageError       storage refused, or no store serves the scheme
    │   └── ObjectNotFound no object at that address
    │       └── BucketNotFound not even a bucket of that name
    ├── LaunchError        the Beam job could not be started, or ended without a report
    └── LossesExceeded     more items failed than ``max_failed`` allows
"""

from __future__ import annotations

from dataclasses import dataclass


class MediaError(Exception):
    """Root of every error that this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a registry.

    :param message: what, the value, and what to do.
    :param file: the registry file; "" for a registry made in Python.
    :param line: 1-based, 0 when not known.
    """

    message: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return place + self.message


class RegistryError(MediaError, ValueError):
    """A registry with faults."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


class SelectionError(MediaError, ValueError):
    """A selection that cannot be read."""


class EmptySelection(SelectionError):
    """A selection without an item."""


class PlanError(MediaError, ValueError):
    """A request that this graph cannot answer."""


class StorageError(MediaError, OSError):
    """Storage refused, or no store serves the URI's scheme."""


class ObjectNotFound(StorageError, FileNotFoundError):
    """No object at that address."""


class BucketNotFound(ObjectNotFound):
    """No bucket of that name, so no object either."""


class LaunchError(MediaError, RuntimeError):
    """The Beam job could not be started, or ended without a report."""


class LossesExceeded(MediaError, RuntimeError):
    """More items failed than the job allows."""
