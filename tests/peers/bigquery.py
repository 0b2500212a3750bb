"""BigQuery, as bqemulator speaks it; it wants other versions than Airflow, so an environment of its own::

uv venv .bigquery
uv pip install --python .bigquery/bin/python -r tests/peers/bigquery-requirements.txt
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.airflow_env.ports import free_ports
from tests.airflow_env.processes import start_process, stop_groups
from tests.waiting import wait_until

PROJECT = "test-project"


def find_bigquery() -> str | None:
    """Return the server: what ``BQEMULATOR`` names, that of ``.bigquery``, or one on the path."""
    own = Path(__file__).parents[2] / ".bigquery/bin/bqemulator"
    return os.environ.get("BQEMULATOR") or (str(own) if own.exists() else shutil.which("bqemulator"))


@contextlib.contextmanager
def bigquery_server(folder: Path) -> Iterator[str]:
    """Start a server that keeps tables in memory, and yield its URL."""
    server = find_bigquery()
    if server is None:
        raise RuntimeError("bqemulator is not on the path")
    env = {**os.environ, "HOME": str(folder)}
    # Its database would else download this, and keep it in the user's home.
    bring = "from duckdb_extensions import import_extension; import_extension('spatial')"
    subprocess.run([Path(server).with_name("python"), "-c", bring], env=env, check=True, capture_output=True)
    rest, grpc = free_ports(2)
    command = [
        server, "start", "--rest-port", str(rest), "--grpc-port", str(grpc), "--ephemeral",
        "--project", PROJECT, "--log-level", "warning",
    ]  # fmt: skip
    process = start_process(command, log=folder / "bigquery.log", env=env, cwd=folder)
    url = f"http://127.0.0.1:{rest}"
    try:
        wait_until(lambda: _answers(url), what="the BigQuery server does not answer", every=0.2)
        yield url
    finally:
        stop_groups([process])


def _answers(url: str) -> bool:
    try:
        answer = httpx.get(f"{url}/bigquery/v2/projects/{PROJECT}/datasets", trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.is_success
