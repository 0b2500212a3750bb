"""Google's storage and Pub/Sub as servers on the loopback, and how every process here finds them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.peers.gcs import find_server, gcs_client, gcs_server
from tests.peers.pubsub import PROJECT, PubSub, client_env, has_server, pubsub_server

STORAGE_TOPIC = "storage-events"
"""Where storage announces every new object, of any bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """Both servers.

    :param env: what a process needs in its environment to talk to them, Airflow's connection included.
    """

    gcs_url: str
    pubsub_address: str
    env: dict[str, str]

    def pubsub(self) -> PubSub:
        """Return clients of Pub/Sub."""
        return PubSub(self.pubsub_address)

    def storage(self):
        """Return a client of storage."""
        return gcs_client(self.gcs_url)

    @property
    def storage_topic(self) -> str:
        """Full name of the topic on which storage announces objects."""
        return f"projects/{PROJECT}/topics/{STORAGE_TOPIC}"


def can_start() -> bool:
    """Tell whether both servers are there."""
    return find_server() is not None and has_server()


@contextlib.contextmanager
def cloud_servers(
    folder: Path, *, gcs_port: int | None = None, pubsub_port: int | None = None
) -> Iterator[Cloud]:
    """Start both servers; new objects are announced on :data:`STORAGE_TOPIC`."""
    with pubsub_server(folder, port=pubsub_port) as address:
        PubSub(address).topic(STORAGE_TOPIC)
        with gcs_server(folder, announce=(address, PROJECT, STORAGE_TOPIC), port=gcs_port) as url:
            yield Cloud(gcs_url=url, pubsub_address=address, env=_env(folder, url, address))


def _env(folder: Path, url: str, address: str) -> dict[str, str]:
    return {**client_env(address), **storage_env(folder, url)}


def storage_env(folder: Path, url: str) -> dict[str, str]:
    """Return what a process needs in its environment to talk to a storage server.

    Without these credentials every process waits 25 s for those of a machine in Google's cloud.
    """
    credentials = folder / "credentials.json"
    credentials.write_text(
        json.dumps(
            {
                "type": "authorized_user",
                "client_id": "test",
                "client_secret": "test",
                "refresh_token": "test",
                "token": "test",
                "expiry": "2999-01-01T00:00:00Z",
            }
        )
    )
    connection = {"conn_type": "google_cloud_platform", "extra": {"is_anonymous": True, "project": PROJECT}}
    return {
        "STORAGE_EMULATOR_HOST": url,
        "GOOGLE_APPLICATION_CREDENTIALS": str(credentials),
        "NO_GCE_CHECK": "true",
        "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": json.dumps(connection),
    }
