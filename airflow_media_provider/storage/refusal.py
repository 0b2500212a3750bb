"""Why storage, or another service, said no: from what the libraries raise to one word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

Refusal = Literal["missing", "denied", "unreachable", "wrong"]

_MISSING = ("NotFound", "FileNotFoundError", "NotADirectoryError", "NoSuchBucket", "NoSuchKey")
_DENIED = (
    "Forbidden", "PermissionDenied", "PermissionError", "Unauthenticated", "Unauthorized",
    "DefaultCredentialsError", "RefreshError", "NoCredentialsError",
)  # fmt: skip
_UNREACHABLE = (
    "ConnectionError", "DeadlineExceeded", "GatewayTimeout", "ServiceUnavailable", "RetryError", "Timeout",
    "TimeoutError", "TransportError", "TooManyRequests",
)  # fmt: skip


def why_refused(error: BaseException) -> Refusal:
    """Sort an error by its class and by those that led to it.

    By their names, for the libraries of services that a registry does not use need not be installed.
    """
    for cause in _causes(error):
        names = {kind.__name__ for kind in type(cause).__mro__}
        if names.intersection(_DENIED):
            return "denied"
        if names.intersection(_MISSING):
            return "missing"
        if names.intersection(_UNREACHABLE):
            return "unreachable"
    return "wrong"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield what led to ``error``, the first cause first: that is the library's own word."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__
    yield from reversed(chain)
