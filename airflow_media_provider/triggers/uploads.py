"""Wait for messages that announce uploads, and hand them on as list files."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_media_provider.compat import BaseEventTrigger, TriggerEvent
from airflow_media_provider.hooks.media import MediaHook
from airflow_media_provider.hooks.pubsub import MediaPubSub
from airflow_media_provider.triggers.settle import settling

if TYPE_CHECKING:
    from airflow_media_provider.intake.batches import Batch
    from airflow_media_provider.intake.collect import IntakeCollector
    from airflow_media_provider.intake.waiting import WaitingBatches

T = TypeVar("T")

LONGEST_PAUSE_S = 60.0


class MediaUploadTrigger(BaseEventTrigger):
    """Collect messages of a subscription into batches; each batch is one event.

    The batch is a list file that is written before its messages are acknowledged, so that no crash loses
    one. When it starts, and now and then, it announces again what no plan has taken up. An event is
    ``{"batch": URI, "items": n, "messages": n, "dead": n, "ignored": n}``.

    :param subscription: ``projects/P/subscriptions/S``.
    :param root: root of the registry, under which the batches are written.
    :param source: address template of the catalog's files.
    :param ours: where everything lies that the registry's jobs make; what is uploaded there asks for nothing.
    :param jobs: names that a message may ask for.
    :param max_messages: a batch holds at most so many.
    :param max_wait: seconds after its first message at which a batch is closed.
    :param dead_letter_topic: where messages go that cannot be read, beside a file of them.
    :param once: end with the first batch: for a task that waits.
    :param gcp_conn_id: Google connection.
    :param impersonation_chain: service account to act as, or a chain of them.
    """

    def __init__(
        self,
        *,
        subscription: str,
        root: str,
        source: str,
        ours: Sequence[str],
        jobs: Sequence[str],
        max_messages: int = 10_000,
        max_wait: float = 30.0,
        dead_letter_topic: str | None = None,
        once: bool = False,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self.subscription = subscription
        self.root = root
        self.source = source
        self.ours = list(ours)
        self.jobs = list(jobs)
        self.max_messages = max_messages
        self.max_wait = max_wait
        self.dead_letter_topic = dead_letter_topic
        self.once = once
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and its arguments."""
        names = (
            "subscription", "root", "source", "ours", "jobs", "max_messages", "max_wait",
            "dead_letter_topic", "once", "gcp_conn_id", "impersonation_chain",
        )  # fmt: skip
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield a batch whenever there is one; trouble with Pub/Sub or storage is waited out."""
        stop, settle = threading.Event(), settling()
        try:
            waiting, collector = await self._patiently(self._open)
            while True:
                found = await self._patiently(lambda: waiting.look(datetime.now(UTC)))
                for batch in found:
                    self.log.info("No plan has taken up %s: announcing it", batch.batch)
                if not found:
                    found = await self._patiently(lambda: self._collect(collector, stop))
                for batch in found:
                    waiting.tell(batch)
                    if self.once:
                        await settle()
                    yield TriggerEvent(batch.event())
                    if self.once:
                        return
        finally:
            stop.set()

    def _collect(self, collector: IntakeCollector, stop: threading.Event) -> list[Batch]:
        batch = collector.collect(stop)
        if batch is None or not batch.items:
            return []
        self.log.info("%d items of %d messages: %s", batch.items, batch.messages, batch.batch)
        return [batch]

    def _open(self) -> tuple[WaitingBatches, IntakeCollector]:
        from airflow_media_provider.intake.batches import BatchStore
        from airflow_media_provider.intake.collect import IntakeCollector
        from airflow_media_provider.intake.layout import IntakeLayout
        from airflow_media_provider.intake.sorting import Sorter
        from airflow_media_provider.intake.waiting import WaitingBatches
        from beam_jobs.contract.address import Address

        stores = MediaHook(self.gcp_conn_id, self.impersonation_chain).stores()
        batches = BatchStore(IntakeLayout.of(self.root, self.subscription), stores)
        pubsub = MediaPubSub(self.gcp_conn_id, self.impersonation_chain)
        source = Address.parse(self.source, root=self.root)
        sorter = Sorter(source=source, ours=self.ours, jobs=self.jobs)
        return WaitingBatches(batches=batches), IntakeCollector(
            subscriber=pubsub.subscriber(),
            subscription=self.subscription,
            batches=batches,
            sorter=sorter,
            max_messages=self.max_messages,
            max_wait=self.max_wait,
            publisher=pubsub.publisher() if self.dead_letter_topic else None,
            dead_letter_topic=self.dead_letter_topic,
        )

    async def _patiently(self, ask: Callable[[], T]) -> T:
        """Return what ``ask`` returns, in a thread; when it fails, say so and try again later."""
        pause = 1.0
        while True:
            try:
                return await asyncio.to_thread(ask)
            except Exception as error:
                self.log.warning(
                    "%s: %s: %s; trying again in %d s",
                    self.subscription, type(error).__name__, error, pause,
                )  # fmt: skip
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
