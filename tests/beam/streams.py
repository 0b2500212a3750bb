"""A stream of one test: its topics, its folder, its process, and what it leaves."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from airflow_media_provider.errors import ObjectNotFound
from airflow_media_provider.registry import media_registry
from airflow_media_provider.runs.stream_spec import stream_spec
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.gcs import GcsStore
from tests.peers.pubsub import GIVEN_AGAIN_S, PROJECT
from tests.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).resolve().parents[2]
COUNT = {"count": {"step": "tests.beam.steps_for_tests:calm", "needs": ["source"]}}
"""A graph of one job that does nothing worth waiting for."""


class Stream:
    """A stream, on local files unless told otherwise.

    :param suffix: of the source's files.
    :param topic: what it is subscribed to, instead of a topic of its own.
    :param topics: which of ``told`` and ``dead`` exist; both are named to the stream.
    :param env: of its process, beside what the cloud needs.
    """

    def __init__(
        self, cloud: Any, folder: Path, jobs: dict[str, Any], *, target: str, suffix: str = ".txt",
        topics: tuple[str, ...] = ("told", "dead"), env: dict[str, str] | None = None,
        root: str = "", source: str = "", topic: str = "",
    ) -> None:  # fmt: skip
        self.folder, self.cloud, self.pubsub = folder, cloud, cloud.pubsub()
        self.env = env or {}
        name = f"st-{uuid.uuid4().hex[:8]}"
        self.topic = topic or self.pubsub.topic(name)
        self.subscription = self.pubsub.subscribe(name, self.topic)
        for kind in topics:
            self.pubsub.topic(f"{name}-{kind}", f"{name}-{kind}")
        self.told, self.dead = (f"projects/{PROJECT}/topics/{name}-{kind}" for kind in ("told", "dead"))
        self.stores = Stores({"gs": lambda: GcsStore(cloud.storage())})
        self.root = root or f"file://{folder}/artifacts"
        self.graph = media_registry(
            root=self.root, source=source or f"file://{folder}/songs/{{item}}{suffix}", jobs=jobs
        )
        self.spec = stream_spec(
            self.graph, target, subscription=self.subscription, completion_topic=self.told,
            dead_letter_topic=self.dead, lease_s=10,
        )  # fmt: skip
        self.file = folder / "spec.json"
        self.file.write_text(self.spec.model_dump_json())
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it in a process of its own."""
        log = (self.folder / "log.txt").open("ab")
        command = [sys.executable, "-m", "beam_jobs.stream", str(self.file), "--parent", str(os.getpid())]
        env = {**os.environ, **self.cloud.env, "PYTHONPATH": str(ROOT), **self.env}
        self.process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)

    def wait(self, *, patience: float = 60) -> int:
        """Return its exit code once it has ended."""
        assert self.process is not None
        return self.process.wait(timeout=patience)

    def drain(self, how: str = "") -> int:
        """Ask it to end, and return its exit code."""
        self.stores.for_uri(self.spec.drain).write(self.spec.drain, how.encode())
        return self.wait()

    def kill(self) -> None:
        """End it without a word, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def write(self, **texts: str) -> None:
        """Write source files."""
        (self.folder / "songs").mkdir(exist_ok=True)
        for item, text in texts.items():
            (self.folder / "songs" / f"{item}.txt").write_text(text)

    def publish(self, *messages: bytes) -> None:
        """Ask for work."""
        self.pubsub.publish(self.topic, *messages)

    def log(self) -> str:
        """Return what it said."""
        return (self.folder / "log.txt").read_text()

    def list(self, uri: str) -> list[str]:
        """Return the objects whose names begin so, unfinished ones left out."""
        return sorted(itertools.chain.from_iterable(self.stores.for_uri(uri).list_uris(uri)))

    def made(self, job: str) -> list[str]:
        """Return the items of which there are artifacts."""
        folder = f"{self.root}/{job}/"
        names = (uri.removeprefix(folder).partition("/")[2] for uri in self.list(folder))
        return sorted(name.rpartition(".")[0] for name in names)

    def rows(self, kind: str = "part") -> list[dict[str, Any]]:
        """Return the rows of the report's files of a kind."""
        texts = map(self.read, self.list(f"{self.spec.report}/{kind}-"))
        return [json.loads(line) for text in texts for line in text.splitlines()]

    def read(self, uri: str) -> str:
        """Return the text of an object."""
        return self.stores.for_uri(uri).read(uri).decode()

    def outcomes(self) -> list[tuple[str, str, str]]:
        """Return item, job and status of every row, in order, none left out."""
        return sorted((row["item"], row["job"], row["status"]) for row in self.rows())

    def wait_for_rows(self, count: int, *, patience: float = PATIENCE_S) -> None:
        """Wait until there are so many rows."""
        wait_until(lambda: len(self.rows()) >= count, patience=patience, what=self.log, every=0.2)

    def state(self) -> dict[str, Any]:
        """Return what it says of itself."""
        try:
            return json.loads(self.read(self.spec.state))
        except ObjectNotFound:
            return {}

    def left(self, topic: str | None = None, *, wanted: int = 0) -> list[Any]:
        """Take what the stream's subscription, or that of ``told`` or ``dead``, still holds.

        :param wanted: so much must be there.
        """
        # What the stream gives back is there at once; what it keeps, 6.6 s at the least after it renewed it.
        longest = GIVEN_AGAIN_S if topic else 6.0
        name = (topic or self.subscription).replace("/topics/", "/subscriptions/")
        return self.pubsub.drain(name, wanted=wanted, longest=longest)
