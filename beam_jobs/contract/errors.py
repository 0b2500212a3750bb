"""Errors of the worker's side and of the contract.

::

    MediaJobError
    ├── InvalidItemId        an item id that cannot be a path
    ├── InvalidTemplate      an address template without exactly one {item}
    ├── StepNotFound         a step name or dotted path that leads nowhere
    ├── InvalidSpec          a launch spec, manifest or report that cannot be read
    ├── MessageError         a message on Pub/Sub that cannot be read
    ├── StorageError         storage said no (read-only, full, unreachable)
    ├── ModelUnusable        a model that is not there, cannot be loaded or takes no such frames
    └── StepError            one item's step went wrong
        ├── UndecodableMedia the bytes are not media, or not all of it
        ├── StepResultError  the step returned nothing, or nothing that can be stored
        ├── ModelFailed      the model cannot take the item's frames, or failed on them
        ├── StepTimeout      the step passed its time limit
        └── StepCrashed      the step's process died
"""

from __future__ import annotations


class MediaJobError(Exception):
    """Root of every error that this package raises on purpose."""


class InvalidItemId(MediaJobError, ValueError):
    """An item id that cannot be part of an object's address."""


class InvalidTemplate(MediaJobError, ValueError):
    """An address template that does not name each item's object."""


class StepNotFound(MediaJobError, LookupError):
    """No step under that name or dotted path."""


class InvalidSpec(MediaJobError, ValueError):
    """A launch spec, manifest or report that cannot be read."""


class MessageError(MediaJobError, ValueError):
    """A message that asks for nothing that can be understood."""


class StorageError(MediaJobError, OSError):
    """Storage refused a read or a write."""


class ModelUnusable(MediaJobError):
    """A model that cannot be run on any item of the job."""


class StepError(MediaJobError):
    """One item's step went wrong; other items are not concerned."""


class UndecodableMedia(StepError, ValueError):
    """The bytes are not media that can be decoded."""


class StepResultError(StepError, TypeError):
    """The step returned nothing, or something that cannot be stored."""


class ModelFailed(StepError, ValueError):
    """The model has no answer for one item's frames."""


class StepTimeout(StepError, TimeoutError):
    """The step did not finish within its time limit."""


class StepCrashed(StepError, RuntimeError):
    """The process that ran the step died."""
