"""Pub/Sub on Beam's direct runner, acknowledged after the work instead of before it.

The direct runner acknowledges what it pulls at once, so that a crash loses what is in work. Here its reader
keeps each message's ack id as an attribute, the lease is prolonged while the message is in work, and the
pipeline's last stage acknowledges. Other runners have sources of their own that do so anyway.

The runner gives a bundle up for good when its reader or a stage raises, so nothing here does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from apache_beam.runners.direct import transform_evaluator

from beam_jobs.contract.errors import MediaJobError
from beam_jobs.storage.retry import with_retries

log = logging.getLogger(__name__)

ACK_ID = "beam_jobs.ack_id"
PULLED_AT_ONCE = 100
POLL_S = 2.0
REQUEST_S = 10.0
ATTEMPTS = 4
PAUSES_S = (0, 10, 30, 60, 120, 300, 600)
"""How long a message waits that was given back once, twice, …: what ails the world may take a while."""

REMEMBERED = 10_000
"""Messages of the past that are known again; a stream may serve for months."""

T = TypeVar("T")


class Leases:
    """Messages in work, on one subscription.

    :param lease_s: after a crash Pub/Sub gives them again so much later.
    :param patience_s: when no item has ended for so long, nothing is going on: leases are left to end.
    """

    def __init__(self, subscription: str, *, lease_s: int, patience_s: float = float("inf")) -> None:
        from google.cloud import pubsub_v1

        self._client = pubsub_v1.SubscriberClient()
        self._subscription = subscription
        self._lease_s = lease_s
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._asking = threading.Lock()  # held while messages, or longer leases, are asked for
        self._held: dict[str, str] = {}  # ack id -> message id
        self._given_back: dict[str, int] = {}  # message id -> how often
        self._settled: dict[str, bool] = {}
        self._life = time.monotonic()
        self._over = threading.Event()
        self.draining = threading.Event()
        self.fault: Exception | None = None
        threading.Thread(target=self._prolong, name="leases", daemon=True).start()

    @property
    def in_work(self) -> int:
        """How many messages are in work."""
        with self._lock:
            return len(self._held)

    @property
    def over(self) -> bool:
        """Whether messages are given back, or left, whatever becomes of them here."""
        return self._over.is_set()

    @property
    def stuck(self) -> bool:
        """Whether messages are in work of which none has got on for longer than any may take."""
        with self._lock:
            return bool(self._held) and time.monotonic() - self._life > self._patience_s

    def note_life(self) -> None:
        """Tell that an item has ended."""
        self._life = time.monotonic()

    def pull(self) -> list[Any]:
        """Return messages as the service gives them, each with its ack id among the attributes."""
        if self.draining.wait(0.05 if not self.in_work else 0.2):
            return []
        with self._asking:
            return [] if self.draining.is_set() else self._pull()

    def _pull(self) -> list[Any]:
        from google.api_core.exceptions import DeadlineExceeded, Forbidden, InvalidArgument, NotFound

        try:
            pulled = self._client.pull(
                request={"subscription": self._subscription, "max_messages": PULLED_AT_ONCE},
                timeout=POLL_S, retry=None,
            )  # fmt: skip
        except DeadlineExceeded:
            return []
        except (NotFound, Forbidden, InvalidArgument) as error:  # no waiting helps
            self.fault = MediaJobError(f"{error}; look at the subscription's name, and at who may read it")
            return []
        except Exception as error:  # the service is away for a moment: nothing was taken, nothing is lost
            log.warning("%s: cannot pull, and will try again: %s", self._subscription, error)
            self.draining.wait(POLL_S)
            return []
        found = []
        for received in pulled.received_messages:
            received.message.attributes[ACK_ID] = received.ack_id
            found.append(received.message)
        taken = {received.ack_id: received.message.message_id for received in pulled.received_messages}
        with self._lock:
            late = self.over
            if not late:
                self._life = self._life if self._held else time.monotonic()
                self._held.update(taken)
        self._lease(taken, 0 if late else self._lease_s)
        return [] if late else found

    def is_settled(self, message_id: str) -> bool:
        """Tell whether a message was done with before, and only its acknowledgement was lost."""
        with self._lock:
            return message_id in self._settled

    def acknowledge(self, ids: Iterable[str]) -> None:
        """Say that messages are done with; one that this cannot be said of comes again, and is known then.

        One that was given back meanwhile is somebody else's.
        """
        with self._lock:
            held = [ack_id for ack_id in ids if ack_id in self._held]
        for some in _parts(held):
            try:
                with_retries(partial(self._acknowledge, some), attempts=ATTEMPTS)
            except Exception as error:
                log.warning("%s: cannot acknowledge, and will again: %s", self._subscription, error)
                with self._lock:
                    for message_id in (self._held[ack_id] for ack_id in some if ack_id in self._held):
                        _remember(self._settled, message_id, True)
                self._let_go(some)
            else:
                let_go = self._let_go(some)
                with self._lock:
                    for message_id in let_go:
                        self._given_back.pop(message_id, None)
                        self._settled.pop(message_id, None)

    def give_back(self, ids: Iterable[str]) -> None:
        """Let Pub/Sub give messages again: at once the first time, later after each further time."""
        pauses: dict[int, list[str]] = defaultdict(list)
        for ack_id in ids:
            for message_id in self._let_go([ack_id]):
                with self._lock:
                    times = self._given_back.get(message_id, 0)
                    _remember(self._given_back, message_id, times + 1)
                pauses[PAUSES_S[min(times, len(PAUSES_S) - 1)]].append(ack_id)
        for pause, some in pauses.items():
            self._lease(some, pause)

    def give_all_back(self) -> None:
        """Take no more, and let Pub/Sub give at once whatever is in work."""
        self.draining.set()
        self.close()
        # A request on its way may bring more, or make leases longer: it is waited for, as the process may end
        # next. What comes later still goes back as well.
        if self._asking.acquire(timeout=2 * POLL_S):
            self._asking.release()
        with self._lock:
            ids, self._held = list(self._held), {}
        self._lease(ids, 0)

    def close(self) -> None:
        """End the thread."""
        self._over.set()

    def _let_go(self, ids: Iterable[str]) -> list[str]:
        """Hold messages no more, and return their ids."""
        with self._lock:
            self._life = time.monotonic()
            return [self._held.pop(ack_id) for ack_id in ids if ack_id in self._held]

    def _acknowledge(self, ids: list[str]) -> None:
        request = {"subscription": self._subscription, "ack_ids": ids}
        self._client.acknowledge(request=request, retry=None, timeout=REQUEST_S)

    def _lease(self, ids: Iterable[str], seconds: int) -> None:
        for some in _parts(ids):
            try:
                self._client.modify_ack_deadline(
                    request={
                        "subscription": self._subscription,
                        "ack_ids": some,
                        "ack_deadline_seconds": seconds,
                    },
                    retry=None, timeout=REQUEST_S,
                )  # fmt: skip
            except Exception as error:  # the next look comes before the lease is over, or it ends by itself
                log.warning("%s: cannot change leases: %s", self._subscription, error)

    def _prolong(self) -> None:
        while not self._over.wait(self._lease_s / 3):
            if not self.stuck:
                with self._asking:
                    with self._lock:
                        ids = list(self._held)
                    self._lease(ids, self._lease_s)


def _remember(memory: dict[str, T], message_id: str, fact: T) -> None:
    """Put a fact in as the newest, and leave out the oldest where there are too many."""
    memory.pop(message_id, None)
    memory[message_id] = fact
    if len(memory) > REMEMBERED:
        del memory[next(iter(memory))]


def _parts(ids: Iterable[str], size: int = 1000) -> Iterator[list[str]]:
    every = list(ids)
    for first in range(0, len(every), size):
        yield every[first : first + size]


_leases: Leases | None = None


def leases_here() -> Leases | None:
    """Return the leases of this process; with another runner's source there are none."""
    return _leases


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
