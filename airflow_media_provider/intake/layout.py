"""Where an intake keeps its batches: a folder under the registry's root, one per subscription."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

INTAKE_FOLDER = "_intake"
_STAMP = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True)
class IntakeLayout:
    """One subscription's files.

    :param uri: the folder, without a slash at its end.
    """

    uri: str

    @classmethod
    def of(cls, root: str, subscription: str) -> IntakeLayout:
        """Return the layout of ``projects/P/subscriptions/S`` under a registry's root."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", subscription.removeprefix("projects/"))
        return cls(f"{root.rstrip('/')}/{INTAKE_FOLDER}/{name}")

    @property
    def batches(self) -> str:
        """Prefix of the list files."""
        return f"{self.uri}/batches/"

    def batch(self, name: str) -> str:
        """The list file of one batch."""
        return f"{self.batches}{name}.jsonl"

    @property
    def dead_letters(self) -> str:
        """Prefix of the files of messages that could not be read."""
        return f"{self.uri}/dead/"

    def dead(self, name: str) -> str:
        """The messages of one batch that could not be read, each with its reason."""
        return f"{self.dead_letters}{name}.jsonl"

    @property
    def planned(self) -> str:
        """Prefix of the marks that plans leave."""
        return f"{self.uri}/planned/"


def batch_name(message_ids: Iterable[str], now: datetime) -> str:
    """Return a name that sorts by time."""
    digest = hashlib.sha256("\n".join(sorted(message_ids)).encode()).hexdigest()[:12]
    return f"{now.astimezone(UTC).strftime(_STAMP)}-{digest}"


def names_since(when: datetime) -> str:
    """Return what the names of batches begin with that are not older than ``when``."""
    return when.astimezone(UTC).strftime(_STAMP)


def mark_of(batch: str) -> str:
    """Return the URI of the mark that says: the batch at this URI has a plan."""
    folder, _, name = batch.rpartition("/batches/")
    return f"{folder}/planned/{name.removesuffix('.jsonl')}"


def is_batch(uri: str) -> bool:
    """Tell whether a list file is a batch of an intake."""
    return f"/{INTAKE_FOLDER}/" in uri and "/batches/" in uri
