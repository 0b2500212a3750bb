"""A whole plan and run on S3 and on Azure: sources, lists, artifacts, manifests and reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from airflow_media_provider.storage import Stores
from beam_jobs.storage import remote
from tests.integration.songs import make_songs
from tests.peers.azure import azure_server, find_azurite, make_container
from tests.peers.s3 import make_bucket, s3_env, s3_server

pytestmark = pytest.mark.beam

REGISTRY = """
version: 1
name: clouds
root: {base}/media
source: {{uri: "{base}/songs/{{item}}.ogg"}}
jobs:
  downsample: {{step: downsample, needs: [source]}}
  loudness: {{step: loudness, needs: [downsample]}}
"""


@pytest.fixture(params=["s3", "abfs"])
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """A bucket, and what a process needs in its environment to reach it."""
    if request.param == "s3":
        with s3_server(tmp_path) as url:
            make_bucket(url, "catalog")
            yield "s3://catalog", s3_env(url)
        return
    if find_azurite() is None:
        pytest.skip("no Azure server: npm install -g azurite, or name its azurite-blob in AZURITE_BLOB")
    with azure_server(tmp_path) as connection:
        make_container(connection, "catalog")
        yield "abfs://catalog", {"AZURE_STORAGE_CONNECTION_STRING": connection}


@pytest.fixture
def stores(cloud: tuple[str, Mapping[str, str]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    for name, value in cloud[1].items():
        monkeypatch.setenv(name, value)
    remote.filesystem.cache_clear()
    yield Stores()
    remote.filesystem.cache_clear()


def media(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "airflow", "media", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=False)


def test_a_list_of_items_is_planned_run_and_found_again(cloud, stores, tmp_path):
    base, _ = cloud
    store = stores.for_uri(base)
    items = ["a", "rock/b", "Björk/Jóga #1"]
    make_songs(tmp_path / "songs", items)
    for item in items:
        store.write(f"{base}/songs/{item}.ogg", tmp_path / "songs" / f"{item}.ogg")
    store.write(f"{base}/songs/broken.ogg", b"this is no song")
    rows = [{"track": item, "year": 2000 + n} for n, item in enumerate([*items, "broken", "not there"])]
    store.write(f"{base}/lists/all.jsonl", "\n".join(map(json.dumps, rows)).encode())
    registry = tmp_path / "registry.yaml"
    registry.write_text(REGISTRY.format(base=base))
    asked = ["-r", str(registry), "--items-uri", f"{base}/lists/all.jsonl", "--items-column", "track"]

    first = media("run", *asked, "--items-filter", "year != 2001", "-o", "json")

    assert first.returncode == 1, first.stderr  # one song is broken, one is not there
    found = {uri for batch in store.list_uris(f"{base}/media/loudness/") for uri in batch}
    assert {uri.rpartition("/")[2] for uri in found} == {"a.json", "Jóga #1.json"}

    second = media("run", *asked, "-o", "json")

    counts = json.loads(second.stdout)["jobs"]
    assert (counts["downsample"]["done"], counts["downsample"]["present"]) == (1, 2), second.stderr
    assert (counts["loudness"]["done"], counts["loudness"]["present"]) == (1, 2)
    found = {uri for batch in store.list_uris(f"{base}/media/loudness/") for uri in batch}
    assert len(found) == len(items)
