"""Which storage errors pass by themselves, and trying again when they do."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

T = TypeVar("T")

_TRANSIENT = frozenset(
    {
        errno.EAGAIN, errno.EBUSY, errno.ECONNABORTED, errno.ECONNREFUSED, errno.ECONNRESET,
        errno.EHOSTUNREACH, errno.EINTR, errno.EIO, errno.ENETDOWN, errno.ENETRESET, errno.ENETUNREACH,
        errno.EPIPE, errno.ESTALE, errno.ETIMEDOUT,
    }
)  # fmt: skip

_TRANSIENT_HTTP = frozenset({408, 429, 500, 502, 503, 504})


def is_transient(error: BaseException) -> bool:
    """Tell whether trying again may help: yes for time-outs and cut connections, no for a full disk."""
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if getattr(error, "code", None) in _TRANSIENT_HTTP:  # google.api_core's errors
        return True
    if type(error).__module__.partition(".")[0] in ("requests", "urllib3"):
        return True  # that layer knows only the network's troubles
    cause = getattr(error, "cause", None)  # google.api_core's RetryError: it has been tried for minutes
    if isinstance(cause, BaseException) and cause is not error and is_transient(cause):
        return True
    details = getattr(error, "exception_details", None)  # Beam's errors wrap one per file
    if isinstance(details, dict):
        return any(isinstance(inner, BaseException) and is_transient(inner) for inner in details.values())
    return isinstance(error, OSError) and error.errno in _TRANSIENT


def with_retries(action: Callable[[], T], *, attempts: int) -> T:
    """Return what ``action`` returns; when storage fails for a moment, try again with growing pauses."""
    retrying = Retrying(
        stop=stop_after_attempt(attempts),
        wait=wait_exponential_jitter(initial=0.2, max=20),
        retry=retry_if_exception(is_transient),
        reraise=True,
    )
    return retrying(action)
