"""The clients that checks ask with; each is made when a registry needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_media_provider.storage import Stores

TIMEOUT_S = 10.0
"""How long a service may take to answer one question."""


def _no_login(host: str) -> tuple[str, str] | None:
    return None


def _nobody() -> str:
    return "serviceAccount:ACCOUNT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """How to reach what a registry names.

    :param stores: storages by scheme.
    :param storage: makes a ``google.cloud.storage.Client``.
    :param publisher: makes a client of Pub/Sub's topics.
    :param subscriber: makes a client of its subscriptions.
    :param image_login: host of an image registry -> user and password, or None.
    :param account: tells who asks, as IAM policies write it, for the commands that mend a denial.
    """

    stores: Stores
    storage: Callable[[], Any]
    publisher: Callable[[], Any]
    subscriber: Callable[[], Any]
    image_login: Callable[[str], tuple[str, str] | None] = _no_login
    account: Callable[[], str] = _nobody
