"""Pub/Sub on Beam's direct runner, acknowledged after the work instead of before it.

The direct runner acknowledges what it pulls at once, so that a crash loses what is in work. Here its reader
keeps each message's ack id as an attribute, the lease is prolonged while the message is in work, and the
pipeline's last stage acknowledges. Other runners have sources of their own that do so anyway.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from apache_beam.runners.direct import transform_evaluator

ACK_ID = "beam_jobs.ack_id"
PULLED_AT_ONCE = 100
POLL_S = 2.0


class Leases:
    """Messages in work, on one subscription.

    :param lease_s: after a crash Pub/Sub gives them again so much later.
    """

    def __init__(self, subscription: str, *, lease_s: int) -> None:
        from google.cloud import pubsub_v1

        self._client = pubsub_v1.SubscriberClient()
        self._subscription = subscription
        self._lease_s = lease_s
        self._lock = threading.Lock()
        self._held: set[str] = set()
        self._over = threading.Event()
        self.draining = threading.Event()
        self.fault: Exception | None = None
        threading.Thread(target=self._prolong, name="leases", daemon=True).start()

    @property
    def in_work(self) -> int:
        """How many messages are in work."""
        with self._lock:
            return len(self._held)

    def pull(self) -> list[Any]:
        """Return messages as the service gives them, each with its ack id among the attributes."""
        from google.api_core.exceptions import DeadlineExceeded, Forbidden, GoogleAPIError, NotFound

        if self.draining.wait(0.05 if not self.in_work else 0.2):
            return []
        try:
            pulled = self._client.pull(
                request={"subscription": self._subscription, "max_messages": PULLED_AT_ONCE},
                timeout=POLL_S, retry=None,
            )  # fmt: skip
        except DeadlineExceeded:
            return []
        except (NotFound, Forbidden) as error:  # no waiting helps
            self.fault = error
            return []
        except GoogleAPIError:  # the service is away for a moment: nothing was taken, nothing is lost
            self.draining.wait(POLL_S)
            return []
        found = []
        for received in pulled.received_messages:
            received.message.attributes[ACK_ID] = received.ack_id
            found.append(received.message)
        ids = [received.ack_id for received in pulled.received_messages]
        with self._lock:
            self._held.update(ids)
        self._lease(ids)
        return found

    def acknowledge(self, ids: list[str]) -> None:
        """Say that messages are done with."""
        if ids:
            self._client.acknowledge(request={"subscription": self._subscription, "ack_ids": ids})
            with self._lock:
                self._held.difference_update(ids)

    def close(self) -> None:
        """End the thread."""
        self._over.set()

    def _lease(self, ids: list[str]) -> None:
        for first in range(0, len(ids), 1000):
            self._client.modify_ack_deadline(
                request={
                    "subscription": self._subscription,
                    "ack_ids": ids[first : first + 1000],
                    "ack_deadline_seconds": self._lease_s,
                }
            )

    def _prolong(self) -> None:
        from google.api_core.exceptions import GoogleAPIError

        while not self._over.wait(self._lease_s / 3):
            with self._lock:
                ids = list(self._held)
            try:
                self._lease(ids)
            except GoogleAPIError:
                continue  # the next look comes before the lease is over


_leases: Leases | None = None


def acknowledge(ids: Iterable[str]) -> None:
    """Acknowledge messages of this process; with another runner's source there are none to."""
    if _leases is not None:
        _leases.acknowledge(list(ids))


def take_over(leases: Leases) -> None:
    """Let the direct runner of this process read through ``leases``."""
    global _leases  # noqa: PLW0603 - the runner's evaluator is a class of the whole process
    _leases = leases

    def read(self: Any, timestamp_attribute: str | None) -> list[tuple[Any, Any]]:
        from apache_beam.io.gcp.pubsub import PubsubMessage
        from apache_beam.utils.timestamp import Timestamp

        return [
            (Timestamp.from_utc_datetime(message.publish_time), PubsubMessage._from_message(message))
            for message in leases.pull()
        ]

    transform_evaluator._PubSubReadEvaluator._read_from_pubsub = read  # type: ignore[method-assign]
