"""``airflow media verify`` and ``clean`` as people type them, on servers that speak the clouds' protocols."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.peers.cloud import Cloud
from tests.peers.images import image_registry
from tests.peers.pubsub import PROJECT

AIRFLOW = str(Path(sys.executable).parent / "airflow")

REGISTRY = """\
version: 1
root: gs://{name}-artifacts/art
source: {{uri: "gs://{name}-songs/in/{{item}}.ogg"}}
uploads:
  subscription: projects/{project}/subscriptions/uploads-{name}
  topic: projects/{project}/topics/uploads-{name}
  dead_letter_topic: projects/{project}/topics/dead-{name}
defaults:
  runner:
    name: dataflow
    options:
      project: {project}
      region: europe-west1
      temp_location: gs://{name}-temp/x
      sdk_container_image: {image}
jobs:
  downsample: {{step: downsample, needs: [source], completion_topic: "projects/{project}/topics/done-{name}"}}
  loudness: {{step: loudness, needs: [downsample], runner: direct}}
"""


def media(cloud: Cloud, folder: Path, *words: str) -> tuple[int, Any, str]:
    """Run one command to its end; return its code, its answer and what else it said."""
    done = subprocess.run(
        [AIRFLOW, "media", *words, "--registry", "registry.yaml", "--output", "json"],
        cwd=folder, env={**os.environ, **cloud.env}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.airflow
def test_a_cloud_with_nothing_in_it_is_told_made_and_then_usable(cloud: Cloud, tmp_path: Path):
    name = f"v{uuid.uuid4().hex[:10]}"
    with image_registry("team/worker:1") as host:
        text = REGISTRY.format(name=name, project=PROJECT, image=f"{host}/team/worker:1")
        (tmp_path / "registry.yaml").write_text(text)
        code, found, said = media(cloud, tmp_path, "verify")
        faults = [entry for entry in found if entry["state"] == "missing"]
        assert code == 1
        assert f"{len(found)} checks, 7 faults" in said  # three buckets, three topics, a subscription
        assert len(faults) == 7
        assert all(entry["fix"].startswith("airflow media verify --create, or: gcloud ") for entry in faults)
        code, found, _ = media(cloud, tmp_path, "verify", "--create")
        assert (code, [entry["state"] for entry in found].count("created")) == (0, 7)
        stream = f"projects/{PROJECT}/subscriptions/stream-{name}"
        code, found, _ = media(cloud, tmp_path, "verify", "--subscription", stream)
        told = [entry["what"] for entry in found if entry["state"] == "missing"]
        assert (code, told) == (1, [f"subscription {stream}"])
        code, _, _ = media(cloud, tmp_path, "verify", "--subscription", stream, "--create")
        assert code == 0
        code, found, said = media(cloud, tmp_path, "verify", "--subscription", stream)
        assert code == 0
        assert f"subscription {stream}" in [entry["what"] for entry in found if entry["state"] == "ok"]
        (notifies,) = [entry for entry in found if "announces files" in entry["what"]]
        assert notifies["state"] == "not checked", "the emulator keeps no notifications"
        assert {entry["state"] for entry in found} == {"ok", "not checked"}
    code, found, _ = media(cloud, tmp_path, "verify")
    assert code == 1
    assert [entry["what"] for entry in found if entry["state"] == "unreachable"] == [
        f"sdk_container_image {host}/team/worker:1"
    ]


@pytest.mark.airflow
def test_old_artifacts_in_a_bucket_go_and_the_rest_stays(cloud: Cloud, tmp_path: Path):
    name = f"c{uuid.uuid4().hex[:10]}"
    (tmp_path / "registry.yaml").write_text(REGISTRY.format(name=name, project=PROJECT, image="i"))
    songs = cloud.storage().create_bucket(f"{name}-songs")
    art = cloud.storage().create_bucket(f"{name}-artifacts")
    for item in ("rock/a b", "rock/ü", "pop/c"):
        songs.blob(f"in/{item}.ogg").upload_from_string(b"1")
        for folder in ("downsample/0123456789ab", "loudness/fedcba987654", "gone/0123456789ab", "_runs/r"):
            art.blob(f"art/{folder}/{item}.flac").upload_from_string(b"12")
    code, shown, _ = media(cloud, tmp_path, "clean", "--prefix", "rock/")
    rows = [
        {"job": "downsample", "fingerprint": "0123456789ab", "artifacts": 2, "bytes": 4},
        {"job": "loudness", "fingerprint": "fedcba987654", "artifacts": 2, "bytes": 4},
    ]
    assert (code, shown["dry_run"], shown["old"]) == (0, True, rows)
    assert len(list(cloud.storage().list_blobs(art))) == 12
    code, removed, _ = media(cloud, tmp_path, "clean", "--prefix", "rock/", "--yes")
    assert (code, removed["removed"]) == (0, 4)
    left = {blob.name for blob in cloud.storage().list_blobs(art)}
    assert len(left) == 8
    assert not {n for n in left if "/rock/" in n and n.startswith(("art/downsample", "art/loudness"))}
    assert len(list(cloud.storage().list_blobs(songs))) == 3
