"""Pull messages until there are enough or the first has waited long enough; write; acknowledge."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_media_provider.intake.batches import Batch, BatchStore
from airflow_media_provider.intake.dead_letters import bury
from airflow_media_provider.intake.sorting import Received, Sorted, Sorter

log = logging.getLogger(__name__)

PULLED_AT_ONCE = 1000
"""The most that Pub/Sub gives to one request, and what fits into one acknowledgement."""

POLL_S = 5.0
"""How long one request waits for messages; a collector that is told to stop does so within this time."""

MARGIN_S = 30.0
"""What is leased beyond ``max_wait``: time to write and acknowledge. If it takes longer, messages come a
second time and are known; after a crash they come again so much later."""

ACK_PATIENCE_S = 15.0
"""For so long acknowledgements of a batch are tried. What is not acknowledged comes again, and is known."""

LEASES_S = (10, 600)
"""Shortest and longest ack deadline of the service."""

MAX_WAIT_S = 300
REMEMBERED = 2_000_000
"""More ids than this in memory: forget those that are older than the window."""

WINDOW = timedelta(hours=2)
"""How long a message's id is remembered: redeliveries after a crash come within the ack deadline."""


@dataclass(slots=True, kw_only=True)
class IntakeCollector:
    """Makes batches of one subscription's messages.

    :param subscriber: a ``SubscriberClient``.
    :param subscription: ``projects/P/subscriptions/S``.
    :param max_messages: a batch holds at most so many messages.
    :param max_wait: seconds after its first message at which a batch is closed, at most 300.
    :param publisher: a ``PublisherClient``, for the dead-letter topic.
    :param dead_letter_topic: where messages go that cannot be read, beside the file of them; what it does not
        take is in the file alone.
    :param margin: seconds beyond ``max_wait`` before Pub/Sub gives a message to somebody else.
    """

    subscriber: Any
    subscription: str
    batches: BatchStore
    sorter: Sorter
    max_messages: int = 10_000
    max_wait: float = 30.0
    publisher: Any = None
    dead_letter_topic: str | None = None
    margin: float = MARGIN_S
    _known: set[str] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.max_messages < 1:
            raise ValueError(f"max_messages {self.max_messages}: give a number from 1")
        if not 0 <= self.max_wait <= MAX_WAIT_S:
            raise ValueError(f"max_wait {self.max_wait}: give seconds from 0 to {MAX_WAIT_S}")

    def collect(self, stop: threading.Event) -> Batch | None:
        """Wait for messages and return their batch; None when there was nothing, or nothing new.

        What was pulled and not yet written when ``stop`` is set goes back to Pub/Sub. Once a batch is written
        it is returned, whatever Pub/Sub says then.
        """
        messages = self._gather(stop)
        if not messages:
            return None
        if stop.is_set():
            self._lease(messages, 0)
            return None
        known = self._remembered()
        new = {m.message_id: m for m in messages if m.message_id not in known}
        batch = self._take(list(new.values())) if new else None
        self._acknowledge(messages)
        return batch

    @property
    def _lease_s(self) -> int:
        shortest, longest = LEASES_S
        return int(min(max(self.max_wait + self.margin, shortest), longest))

    def _take(self, messages: list[Received]) -> Batch:
        found = self.sorter.sort(messages)
        for row in found.dead:
            log.warning("Message %s: %s", row["message_id"], row["reason"])
        batch = self._write(found, messages)
        if self.dead_letter_topic and found.dead:
            bury(self.publisher, self.dead_letter_topic, found.dead)
        return batch

    def _write(self, found: Sorted, messages: list[Received]) -> Batch:
        """Write a batch and know its messages from then on, also when they cannot be acknowledged."""
        ids = [message.message_id for message in messages]
        try:
            batch = self.batches.save(found, ids, datetime.now(UTC))
        except Exception:
            self._known = None  # it may be written all the same: storage is asked before the next batch
            raise
        if self._known is not None:
            self._known.update(ids)
        return batch

    def _remembered(self) -> set[str]:
        if self._known is None or len(self._known) > REMEMBERED:
            self._known = self.batches.known_ids(datetime.now(UTC), WINDOW)
        return self._known

    def _gather(self, stop: threading.Event) -> list[Received]:
        """Pull until the batch is full, or its time is over."""
        messages: list[Received] = []
        closes = time.monotonic() + POLL_S
        while len(messages) < self.max_messages and not stop.is_set():
            left = closes - time.monotonic()
            if left <= 0:
                break
            pulled = self._pull(min(POLL_S, left), self.max_messages - len(messages))
            if pulled and not messages:
                closes = time.monotonic() + self.max_wait
            self._lease(pulled, self._lease_s)
            messages += pulled
        return messages

    def _pull(self, timeout: float, most: int) -> list[Received]:
        from google.api_core.exceptions import DeadlineExceeded

        try:
            pulled = self.subscriber.pull(
                request={"subscription": self.subscription, "max_messages": min(most, PULLED_AT_ONCE)},
                timeout=max(timeout, 0.1),
                retry=None,
            )
        except DeadlineExceeded:
            return []
        return [
            Received(
                message_id=received.message.message_id,
                ack_id=received.ack_id,
                data=received.message.data,
                attributes=dict(received.message.attributes),
            )
            for received in pulled.received_messages
        ]

    def _lease(self, messages: Sequence[Received], seconds: int) -> None:
        for part in _parts(messages):
            ids = [message.ack_id for message in part]
            self.subscriber.modify_ack_deadline(
                request={"subscription": self.subscription, "ack_ids": ids, "ack_deadline_seconds": seconds}
            )

    def _acknowledge(self, messages: Sequence[Received]) -> None:
        """Acknowledge; what Pub/Sub does not take comes again, and is acknowledged then."""
        from google.api_core.exceptions import GoogleAPIError
        from google.api_core.retry import Retry, if_transient_error

        until = time.monotonic() + ACK_PATIENCE_S
        for part in _parts(messages):
            ids, left = [message.ack_id for message in part], max(until - time.monotonic(), 1.0)
            try:
                self.subscriber.acknowledge(
                    request={"subscription": self.subscription, "ack_ids": ids}, timeout=left,
                    retry=Retry(predicate=if_transient_error, timeout=left),
                )  # fmt: skip
            except GoogleAPIError as error:
                log.warning(
                    "%s: %d messages are not acknowledged and will come again: %s: %s",
                    self.subscription, len(ids), type(error).__name__, error,
                )  # fmt: skip


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(values), PULLED_AT_ONCE):
        yield values[first : first + PULLED_AT_ONCE]
