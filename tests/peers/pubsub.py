"""Google Pub/Sub: the emulator of the Google Cloud CLI, or the test server of Google's Go client."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.airflow_env.ports import free_ports
from tests.airflow_env.processes import start_process, stop_groups
from tests.waiting import wait_until

PROJECT = "test-project"
SOURCE = Path(__file__).parent / "pstest" / "main.go"
STARTED = re.compile("Server started")
ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
GO_PACKAGES = Path("/usr/share/gocode")
"""Where Debian keeps the sources of Go libraries."""


def find_emulator() -> Path | None:
    """Return the emulator's jar where the Google Cloud CLI has that component and Java is there."""
    gcloud = shutil.which("gcloud")
    if gcloud is None or shutil.which("java") is None:
        return None
    home = Path(gcloud).resolve().parents[1]
    jars = (home / "platform" / "pubsub-emulator" / "lib").glob("cloud-pubsub-emulator-*-all.jar")
    return next(jars, None)


def find_go() -> str | None:
    """Return a Go compiler when Google's Pub/Sub library lies beside it."""
    library = GO_PACKAGES / "src" / "cloud.google.com" / "go" / "pubsub" / "pstest"
    go = shutil.which("go") or next(map(str, Path("/usr/lib").glob("go-*/bin/go")), None)
    return go if library.is_dir() else None


def has_server() -> bool:
    """Tell whether one of the two servers can be started here."""
    return find_emulator() is not None or find_go() is not None


@contextlib.contextmanager
def pubsub_server(folder: Path, *, port: int | None = None) -> Iterator[str]:
    """Start a server without topics, and yield its ``host:port`` for ``PUBSUB_EMULATOR_HOST``.

    :param folder: for its log and, where it must be built, its program.
    :param port: None = a free one; only Google's emulator listens where it is told to.
    """
    log = folder / "pubsub.log"
    process = start_process(_command(folder, port), log=log, env=os.environ, cwd=folder)
    try:
        wait_until(
            lambda: STARTED.search(log.read_text()) and _address(log),
            what="the Pub/Sub server does not start", every=0.1,
        )  # fmt: skip
        yield _address(log)
    finally:
        stop_groups([process])


def _address(log: Path) -> str:
    found = ADDRESS.search(log.read_text())
    return found[0] if found else ""


def _command(folder: Path, port: int | None) -> list[str]:
    jar = find_emulator()
    if jar is not None:
        port = port or free_ports(1)[0]
        jvm = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-jar"]
        (folder / "pubsub.log").write_text(f"asked for 127.0.0.1:{port}\n")
        return [*jvm, str(jar), "--host=127.0.0.1", f"--port={port}"]
    go = find_go()
    if go is None:
        raise RuntimeError("no Pub/Sub server: neither Google's emulator nor Debian's Go libraries are here")
    return [str(_build(go, folder))]


def _build(go: str, folder: Path) -> Path:
    program = folder / "pstest"
    quiet = {"GO111MODULE": "off", "GOFLAGS": "", "GOPATH": str(GO_PACKAGES), "GOCACHE": str(folder / "go")}
    command = [go, "build", "-o", str(program), str(SOURCE)]
    subprocess.run(command, check=True, env={**os.environ, **quiet}, cwd=folder)
    return program


def client_env(address: str) -> dict[str, str]:
    """Return the environment in which Google's clients talk to the server at ``address``."""
    return {"PUBSUB_EMULATOR_HOST": address, "GOOGLE_CLOUD_PROJECT": PROJECT, "PUBSUB_PROJECT_ID": PROJECT}


GIVEN_AGAIN_S = 30.0
"""More than the lease of a subscription of these tests."""


class PubSub:
    """Topics and subscriptions of one test.

    :param address: of the server.
    """

    def __init__(self, address: str) -> None:
        import grpc
        from google.pubsub_v1 import PublisherClient, SubscriberClient
        from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
        from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

        channel = grpc.insecure_channel(address)
        self.publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        self.subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))

    def topic(self, name: str, *subscriptions: str, ack_deadline: int = 10) -> str:
        """Make a topic with subscriptions of these names, and return its full name."""
        topic = f"projects/{PROJECT}/topics/{name}"
        self.publisher.create_topic(name=topic)
        for subscription in subscriptions:
            self.subscribe(subscription, topic, ack_deadline=ack_deadline)
        return topic

    def subscribe(self, name: str, topic: str, *, ack_deadline: int = 10) -> str:
        """Make a subscription of a topic, and return its full name."""
        full = self.subscription(name)
        self.subscriber.create_subscription(
            request={"name": full, "topic": topic, "ack_deadline_seconds": ack_deadline}
        )
        return full

    def subscription(self, name: str) -> str:
        """Return a subscription's full name."""
        return f"projects/{PROJECT}/subscriptions/{name}"

    def publish(self, topic: str, *messages: bytes, **attributes: str) -> None:
        """Publish messages, many to a request."""
        for first in range(0, len(messages), 500):
            batch = [{"data": data, "attributes": attributes} for data in messages[first : first + 500]]
            self.publisher.publish(topic=topic, messages=batch)

    def drain(
        self, subscription: str, *, wanted: int = 0, patience: float = 2.0, longest: float = GIVEN_AGAIN_S
    ) -> list[Any]:
        """Take and acknowledge what a subscription holds, until none came for ``patience`` seconds.

        :param wanted: so many are waited for: what was given to a request that was given up comes again
            when its lease is over.
        :param longest: for so many seconds.
        """
        from google.api_core.exceptions import DeadlineExceeded

        found: list[Any] = []
        began = last = time.monotonic()
        while time.monotonic() - last < patience or (
            len(found) < wanted and time.monotonic() - began < longest
        ):
            try:
                pulled = self.subscriber.pull(
                    request={"subscription": subscription, "max_messages": 1000}, timeout=patience
                )
            except DeadlineExceeded:
                continue
            if pulled.received_messages:
                last = time.monotonic()
                found += [received.message for received in pulled.received_messages]
                ids = [received.ack_id for received in pulled.received_messages]
                self.subscriber.acknowledge(request={"subscription": subscription, "ack_ids": ids})
        return found
