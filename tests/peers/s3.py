"""S3, as moto speaks it; one request at a time, so that a conditional put is as atomic as the real one's."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.airflow_env.ports import free_ports
from tests.airflow_env.processes import start_process, stop_groups
from tests.waiting import wait_until

SERVE = """
import io, sys, threading
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

app = DomainDispatcherApplication(create_backend_app)
lock = threading.Lock()

def one_at_a_time(environ, start_response):
    if length := int(environ.get("CONTENT_LENGTH") or 0):
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
    with lock:
        return app(environ, start_response)

make_server("127.0.0.1", int(sys.argv[1]), one_at_a_time, threaded=True).serve_forever()
"""


@contextlib.contextmanager
def s3_server(folder: Path, *, port: int | None = None) -> Iterator[str]:
    """Start a server that keeps objects in memory, and yield its URL.

    :param folder: for its log.
    """
    port = port or free_ports(1)[0]
    command = [sys.executable, "-c", SERVE, str(port)]
    process = start_process(command, log=folder / "s3.log", env=dict(os.environ), cwd=folder)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(url), what="the S3 server does not answer", every=0.1)
        yield url
    finally:
        stop_groups([process])


def s3_env(url: str) -> Mapping[str, str]:
    """Return what a process needs in its environment to talk to the server."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",  # the server takes any
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def s3_filesystem(url: str) -> Any:
    """Return fsspec's file system on the server."""
    import s3fs

    return s3fs.S3FileSystem(
        key="test", secret="test", endpoint_url=url, use_listings_cache=False, skip_instance_cache=True
    )


def make_bucket(url: str, name: str) -> None:
    """Make a bucket."""
    import httpx

    httpx.put(f"{url}/{name}", trust_env=False, timeout=120).raise_for_status()


def _answers(url: str) -> bool:
    import httpx

    try:
        return httpx.get(f"{url}/moto-api/", trust_env=False).is_success
    except httpx.HTTPError:
        return False
