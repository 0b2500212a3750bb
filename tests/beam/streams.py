"""A stream of one test: its topics, its folder, its process, and what it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from airflow_media_provider.registry import media_registry
from airflow_media_provider.runs.stream_spec import stream_spec
from tests.airflow_env.client import wait_until

ROOT = Path(__file__).resolve().parents[2]


class Stream:
    """A stream on local files.

    :param jobs: of the registry; the last one is the target.
    :param suffix: of the source's files.
    :param topics: which of ``told`` and ``dead`` exist; both are named to the stream.
    :param env: of its process, beside what the cloud needs.
    """

    def __init__(
        self, cloud: Any, folder: Path, jobs: dict[str, Any], *, target: str, suffix: str = ".txt",
        topics: tuple[str, ...] = ("told", "dead"), env: dict[str, str] | None = None,
        root: str = "", source: str = "",
    ) -> None:  # fmt: skip
        self.folder, self.cloud, self.pubsub = folder, cloud, cloud.pubsub()
        self.env = env or {}
        name = f"st-{uuid.uuid4().hex[:8]}"
        self.topic = self.pubsub.topic(name, name)
        self.subscription = self.pubsub.subscription(name)
        for kind in topics:
            self.pubsub.topic(f"{name}-{kind}", f"{name}-{kind}")
        self.told, self.dead = (self.topic.replace(name, f"{name}-{kind}") for kind in ("told", "dead"))
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
        Path(self.spec.drain.removeprefix("file://")).write_text(how)
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

    def made(self, job: str) -> list[str]:
        """Return the items of which there are artifacts."""
        found = []
        for folder in (self.folder / "artifacts" / job).glob("*"):
            paths = (
                path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".tmp-")
            )
            found += [path.relative_to(folder).with_suffix("").as_posix() for path in paths]
        return sorted(found)

    def rows(self, kind: str = "part") -> list[dict[str, Any]]:
        """Return the rows of the report's files of a kind."""
        report = Path(self.spec.report.removeprefix("file://"))
        return [
            json.loads(line) for path in report.glob(f"{kind}-*") for line in path.read_text().splitlines()
        ]

    def outcomes(self) -> list[tuple[str, str, str]]:
        """Return item, job and status of every row, in order, none left out."""
        return sorted((row["item"], row["job"], row["status"]) for row in self.rows())

    def wait_for_rows(self, count: int, *, patience: float = 60) -> None:
        """Wait until there are so many rows."""
        wait_until(lambda: len(self.rows()) >= count, patience=patience, what=self.log(), every=0.2)

    def state(self) -> dict[str, Any]:
        """Return what it says of itself."""
        path = Path(self.spec.state.removeprefix("file://"))
        return json.loads(path.read_text()) if path.exists() else {}

    def left(self, topic: str | None = None) -> list[Any]:
        """Take what the stream's subscription, or that of another topic, still holds."""
        return self.pubsub.drain((topic or self.topic).replace("/topics/", "/subscriptions/"))
