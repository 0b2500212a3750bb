"""Threads that share a client of Google's storage."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from airflow_media_provider.storage.gcs import GcsStore
from tests.peers.gcs import gcs_client

THREADS = 32


def test_many_threads_have_a_connection_each_and_no_warning(cloud, caplog):
    store = GcsStore(gcs_client(cloud.gcs_url))
    start = threading.Barrier(THREADS)

    def ask(number: int) -> bool:
        start.wait(timeout=60)
        return store.exists(f"gs://none/{number}")

    with caplog.at_level(logging.WARNING, "urllib3"), ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(ask, range(THREADS))) == [False] * THREADS
    assert caplog.messages == []
