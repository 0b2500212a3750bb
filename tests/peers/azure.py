"""Azure's blob storage, as Azurite speaks it: `npm install -g azurite` puts its server on the path."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from tests.airflow_env.ports import free_ports
from tests.airflow_env.processes import start_process, stop_groups
from tests.waiting import wait_until

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account that every Azurite has, and its published key."""


def find_azurite() -> str | None:
    """Return the server: on the path, or what ``AZURITE_BLOB`` names."""
    return os.environ.get("AZURITE_BLOB") or shutil.which("azurite-blob")


@contextlib.contextmanager
def azure_server(folder: Path, *, port: int | None = None) -> Iterator[str]:
    """Start a server that keeps blobs in memory, and yield the connection string.

    :param folder: for its log.
    """
    server = find_azurite()
    if server is None:
        raise RuntimeError("azurite-blob is not on the path")
    port = port or free_ports(1)[0]
    command = [
        server, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence",
        "--skipApiVersionCheck", "--silent", "--disableTelemetry",
    ]  # fmt: skip
    process = start_process(command, log=folder / "azurite.log", env=dict(os.environ), cwd=folder)
    try:
        wait_until(lambda: _listens(port), what="the Azure server does not answer", every=0.1)
        yield (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
            f"BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT};"
        )
    finally:
        stop_groups([process])


def azure_filesystem(connection: str):
    """Return fsspec's file system on the server."""
    import adlfs

    from beam_jobs.storage.remote import literal

    return literal(adlfs.AzureBlobFileSystem)(
        connection_string=connection, use_listings_cache=False, skip_instance_cache=True
    )


def make_container(connection: str, name: str) -> None:
    """Make a container."""
    from azure.storage.blob import BlobServiceClient

    BlobServiceClient.from_connection_string(connection).create_container(name)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
