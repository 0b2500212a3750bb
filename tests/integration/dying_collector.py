"""Collects one batch and dies on the way; arguments: point, address, subscription, root."""

from __future__ import annotations

import os
import sys
import threading

from airflow_media_provider.intake.batches import Batch, BatchStore
from airflow_media_provider.intake.collect import IntakeCollector
from airflow_media_provider.intake.layout import IntakeLayout
from airflow_media_provider.intake.sorting import Received, Sorted, Sorter
from airflow_media_provider.storage import Stores
from beam_jobs.contract.address import Address
from beam_jobs.contract.ours import made_here
from tests.peers.pubsub import PubSub

POINTS = ("pulled", "written", "half acknowledged", "acknowledged")
DIED = 77


class DyingCollector(IntakeCollector):
    """Dies where ``point`` says, as a killed process does: nothing is tidied up."""

    point = ""

    def _write(self, found: Sorted, messages: list[Received]) -> Batch:
        self._die_at("pulled")
        batch = super()._write(found, messages)
        self._die_at("written")
        return batch

    def _acknowledge(self, messages) -> None:
        if self.point == "half acknowledged":
            messages = messages[: len(messages) // 2]
        super()._acknowledge(messages)
        self._die_at("half acknowledged")
        self._die_at("acknowledged")

    def _die_at(self, point: str) -> None:
        if self.point == point:
            os._exit(DIED)


def make_collector(kind, address: str, subscription: str, root: str, **more):
    """Return a collector of the kind and its batches."""
    batches = BatchStore(IntakeLayout.of(root, subscription), Stores())
    jobs = ("downsample", "energy")
    sorter = Sorter(source=Address.parse("/songs/{item}.ogg"), ours=made_here(root, jobs), jobs=jobs)
    pubsub = PubSub(address)
    return batches, kind(
        subscription=subscription, batches=batches, sorter=sorter,
        **{"subscriber": pubsub.subscriber, "max_wait": 1.0, "margin": 0.0, **more},
    )  # fmt: skip


if __name__ == "__main__":
    point, address, subscription, root = sys.argv[1:]
    _, collector = make_collector(DyingCollector, address, subscription, root)
    collector.point = point
    while collector.collect(threading.Event()) is None:
        pass  # it dies once it has messages
