"""Put many messages on a topic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

WAITING = 5000
"""So many messages may be on their way; the client sends them in requests of its own size."""

PATIENCE_S = 60
"""For so long a message is tried; the client's own ten minutes are long to wait for a word."""


def publish(publisher: Any, topic: str, messages: Iterable[tuple[bytes, Mapping[str, str]]]) -> int:
    """Publish ``(data, attributes)`` and return how many; each is confirmed before this returns.

    :param publisher: a ``PublisherClient``, which retries by itself.
    :param topic: ``projects/P/topics/T``.
    :raises StorageError: when one could not be published.
    """
    from google.api_core.exceptions import GoogleAPIError, NotFound
    from google.api_core.retry import Retry, if_transient_error

    from airflow_media_provider.errors import StorageError

    retry = Retry(predicate=if_transient_error, timeout=PATIENCE_S)
    count = 0
    pending: set[Future[str]] = set()
    try:
        for data, attributes in messages:
            pending.add(publisher.publish(topic, data, retry=retry, timeout=PATIENCE_S, **attributes))
            count += 1
            if len(pending) >= WAITING:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
        for future in pending:
            future.result()
    except NotFound as error:
        raise StorageError(
            f"{topic}: there is no such topic, so nothing was sent; correct the name, or create it: airflow "
            f"media verify --create (where the registry names it), or gcloud pubsub topics create {topic}"
        ) from error
    except GoogleAPIError as error:
        raise StorageError(f"{topic}: {error}; of the messages, some may have been sent") from error
    return count
