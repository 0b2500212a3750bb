"""Send messages that could not be read to a topic; the file of them is what counts."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from beam_jobs.contract.dead_letter import dead_attributes, dead_body

log = logging.getLogger(__name__)

PATIENCE_S = 10.0
"""For so long all letters of a batch are tried: the good messages beside them wait meanwhile."""

AT_ONCE = 1000
"""Messages that Pub/Sub takes in one request."""

AT_ONCE_BYTES = 5_000_000
"""Bodies in one request; Pub/Sub takes 10 MB, attributes included."""


def bury(publisher: Any, topic: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Send what could not be read as it came, the reason as an attribute; return how many were sent.

    Nothing is raised: a topic that is not there must not keep good messages from being worked on.

    :param rows: as a file of dead messages has them.
    """
    from google.api_core.exceptions import GoogleAPIError
    from google.api_core.retry import Retry, if_transient_error
    from google.pubsub_v1 import PublisherClient

    until, sent = time.monotonic() + PATIENCE_S, 0
    for part in _parts(rows):
        left = until - time.monotonic()
        if left <= 0:
            break
        try:
            # The hook's client has a publish of its own, which sends from a thread and in its own time.
            PublisherClient.publish(
                publisher, topic=topic, messages=[_letter(row) for row in part], timeout=left,
                retry=Retry(predicate=if_transient_error, timeout=left),
            )  # fmt: skip
            sent += len(part)
        except GoogleAPIError as error:
            log.warning("%s takes no dead letters: %s: %s", topic, type(error).__name__, error)
    if sent < len(rows):
        log.warning(
            "%d of %d dead letters are not on %s; all are in the files of the intake's dead/ folder",
            len(rows) - sent, len(rows), topic,
        )  # fmt: skip
    return sent


def _letter(row: Mapping[str, Any]) -> Any:
    from google.pubsub_v1 import PubsubMessage

    said = dead_attributes(row["attributes"], reason=row["reason"], message_id=row["message_id"])
    return PubsubMessage(data=dead_body(row), attributes=said)


def _parts(rows: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the rows in parts that fit into one request."""
    part: list[Mapping[str, Any]] = []
    size = 0
    for row in rows:
        more = len(dead_body(row))
        if part and (len(part) == AT_ONCE or size + more > AT_ONCE_BYTES):
            yield part
            part, size = [], 0
        part.append(row)
        size += more
    if part:
        yield part
