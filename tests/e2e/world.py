"""The catalog of the end-to-end test: what is uploaded, what is there now, and what was done for it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
        for name in self._files_of_runs():
            folder, _, file = name.rpartition("/")
            if file == "blocked.jsonl" or (file.startswith("part-") and folder.endswith("/report")):
                rows += [{**json.loads(line), "run": _run_of(name)} for line in self._text(name).splitlines()]
        return rows

    def counts(self, run: str) -> dict[str, dict[str, int]]:
        """Return what a run says of each job, in numbers."""
        names = [name for name in self._files_of_runs() if name.endswith("/outcome.json")]
        outcomes = [json.loads(self._text(name)) for name in names if _run_of(name) == run]
        return {outcome["job"]: outcome["counts"] for outcome in outcomes}

    def _files_of_runs(self) -> list[str]:
        return [blob.name for blob in self._storage.list_blobs(ARTIFACTS, prefix="media/_runs/")]

    def _text(self, name: str) -> str:
        return self._storage.bucket(ARTIFACTS).blob(name).download_as_bytes().decode()


def _run_of(name: str) -> str:
    return name.split("/")[2]


def diary(folder: Path) -> Counter[tuple[str, str]]:
    """Return how often each (item, job) was begun, as the steps themselves have written it down."""
    lines = (folder / "seed-diary").read_text().splitlines()
    return Counter((item, job) for job, _, item in (line.partition(" ") for line in lines))


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


def must_be_told(
    item: str, target: str, there: set[tuple[str, str]], *, corrupt: bool
) -> dict[tuple[str, str], str]:
    """Say by brute force what a run that makes one target has to tell of one item, job by job."""
    told: dict[tuple[str, str], str] = {}
    made = must_be_made(item, target, there)
    for job, parents in NEEDS.items():  # parents first
        if (item, job) in there and job in line_of(target):
            told[item, job] = "present"
        elif (item, job) in made:
            lost = any(told.get((item, parent)) in ("failed", "blocked") for parent in parents)
            told[item, job] = "blocked" if lost else "failed" if corrupt else "done"
    return told


def line_of(target: str) -> set[str]:
    """Return a job and all its ancestors."""
    return {target}.union(*(line_of(parent) for parent in NEEDS[target]))
