"""The catalog of the end-to-end test: what is uploaded, what is there now, and what was done for it."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tests.integration.songs import RATE

if TYPE_CHECKING:
    from tests.peers.cloud import Cloud

UPLOADS, ARTIFACTS, RACE = "seed-uploads", "seed-artifacts", "seed-race"
NEEDS: dict[str, tuple[str, ...]] = {
    "downsample": (),
    "beat_tracking": ("downsample",),
    "energy": ("downsample", "beat_tracking"),
    "speechiness": ("downsample",),
    "instrumentalness": ("downsample",),
}
"""The graph once more, written by hand: what the test compares with must not come from what it tests."""

SUFFIX = {"downsample": ".flac"}
FORMATS = {
    "ogg": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS"), "mp3": ("MP3", "MPEG_LAYER_III"),
    "flac": ("FLAC", "PCM_16"), "wav": ("WAV", "PCM_16"),
}  # fmt: skip
GOOD_RATE = {"opus": 24_000}


def prepare(cloud: Cloud) -> None:
    """Make the buckets, topics and subscriptions that the DAGs of ``dags/`` name."""
    storage, pubsub = cloud.storage(), cloud.pubsub()
    for bucket in (UPLOADS, ARTIFACTS, RACE):
        storage.create_bucket(bucket)
    pubsub.topic("seed-dead", "seed-dead")
    pubsub.topic("seed-downsampled", "seed-downsampled")
    pubsub.subscribe("seed-uploads", cloud.storage_topic)
    pubsub.topic("inbox", "inbox")
    pubsub.topic("waiting", "waiting")


def make_song(item: str, number: int, *, seconds: float = 2.0) -> bytes:
    """Return a song of clicks over a tone in the format that the item's name says."""
    import numpy as np
    import soundfile

    kind = item.rpartition(".")[2]
    rate = GOOD_RATE.get(kind, RATE)
    time = np.arange(int(seconds * rate)) / rate
    tone = 0.2 * np.sin(2 * np.pi * (220 + 7 * number) * time)
    clicks = 0.6 * np.exp(-40 * (time % 0.5))
    format, subtype = FORMATS[kind]
    file = io.BytesIO()
    soundfile.write(file, (tone + clicks * tone).astype(np.float32), rate, format=format, subtype=subtype)
    return file.getvalue()


class World:
    """What there is in the buckets."""

    def __init__(self, cloud: Cloud) -> None:
        self._storage = cloud.storage()

    def upload(self, songs: dict[str, bytes]) -> None:
        """Put songs into the bucket of uploads; storage announces each."""
        bucket = self._storage.bucket(UPLOADS)
        for item, data in songs.items():
            bucket.blob(f"songs/{item}").upload_from_string(data)

    def artifacts(self) -> dict[tuple[str, str], str]:
        """Return (item, job) -> name of the object, which must be just one."""
        found: dict[tuple[str, str], str] = {}
        for blob in self._storage.list_blobs(ARTIFACTS, prefix="media/"):
            job, _, rest = blob.name.removeprefix("media/").partition("/")
            if job in NEEDS:
                cell = (rest.partition("/")[2].removesuffix(SUFFIX.get(job, ".json")), job)
                assert cell not in found, f"two artifacts: {found[cell]} and {blob.name}"
                found[cell] = blob.name
        return found

    def delete(self, names: Iterable[str]) -> None:
        """Remove artifacts."""
        for name in names:
            self._storage.bucket(ARTIFACTS).blob(name).delete()

    def rows(self) -> list[dict[str, Any]]:
        """Return every row of every report of every run, with the run's folder under ``run``."""
        rows = []
        for blob in self._storage.list_blobs(ARTIFACTS, prefix="media/_runs/"):
            folder, _, name = blob.name.rpartition("/")
            if name.startswith("part-") and folder.endswith("/report"):
                lines = blob.download_as_bytes().decode().splitlines()
                rows += [{**json.loads(line), "run": folder.split("/")[2]} for line in lines]
        return rows

    def work(self) -> Counter[tuple[str, str]]:
        """Return how often each (item, job) was done."""
        return Counter((row["item"], row["job"]) for row in self.rows() if row["status"] == "done")


def all_artifacts(items: Iterable[str]) -> set[tuple[str, str]]:
    """Return what a whole catalog has."""
    return {(item, job) for item in items for job in NEEDS}


def must_be_made(item: str, target: str, there: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Say by brute force what making one target for one item takes, and no more."""
    if (item, target) in there:
        return set()
    made = {(item, target)}
    for parent in NEEDS[target]:
        made |= must_be_made(item, parent, there)
    return made
