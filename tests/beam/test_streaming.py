"""A stream serves messages: each artifact once, each failure reported, nothing lost when it is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest

from airflow_media_provider.registry import media_registry
from airflow_media_provider.runs.stream_spec import stream_spec
from tests.airflow_env.client import wait_until
from tests.integration.songs import make_songs

pytestmark = pytest.mark.beam

ROOT = Path(__file__).resolve().parents[2]
JOBS = {
    "downsample": {"step": "downsample", "needs": ["source"]},
    "speech": {"step": "tests.e2e.steps:speechiness", "needs": ["downsample"]},
    "sibling": {"step": "tests.e2e.steps:instrumentalness", "needs": ["downsample"]},
}


class Stream:
    """A stream of one test: its topics, its folder, its process."""

    def __init__(self, cloud, folder: Path) -> None:
        self.folder, self.cloud, self.pubsub = folder, cloud, cloud.pubsub()
        name = f"st-{uuid.uuid4().hex[:8]}"
        self.topic = self.pubsub.topic(name, name)
        self.subscription = self.pubsub.subscription(name)
        self.told = self.pubsub.topic(f"{name}-told", f"{name}-told")
        self.dead = self.pubsub.topic(f"{name}-dead", f"{name}-dead")
        graph = media_registry(
            root=f"file://{folder}/artifacts", source=f"file://{folder}/songs/{{item}}.ogg", jobs=JOBS
        )
        self.spec = stream_spec(
            graph, "speech", subscription=self.subscription, completion_topic=self.told,
            dead_letter_topic=self.dead, lease_s=10,
        )  # fmt: skip
        self.file = folder / "spec.json"
        self.file.write_text(self.spec.model_dump_json())
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = (self.folder / "log.txt").open("ab")
        command = [sys.executable, "-m", "beam_jobs.stream", str(self.file), "--parent", str(os.getpid())]
        env = {**os.environ, **self.cloud.env, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)

    def wait(self, *, patience: float = 60) -> int:
        return self.process.wait(timeout=patience)

    def log(self) -> str:
        return (self.folder / "log.txt").read_text()

    def made(self, job: str) -> list[str]:
        found = []
        for folder in (self.folder / "artifacts" / job).glob("*"):
            paths = (
                path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".tmp-")
            )
            found += [path.relative_to(folder).with_suffix("").as_posix() for path in paths]
        return sorted(found)

    def rows(self, kind: str = "part") -> list[dict]:
        report = Path(self.spec.report.removeprefix("file://"))
        return [
            json.loads(line) for path in report.glob(f"{kind}-*") for line in path.read_text().splitlines()
        ]

    def state(self) -> dict:
        path = Path(self.spec.state.removeprefix("file://"))
        return json.loads(path.read_text()) if path.exists() else {}


@pytest.fixture
def stream(cloud, tmp_path):
    made = Stream(cloud, tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait()


@pytest.mark.timeout(400)
def test_five_hundred_messages_with_doubles_corrupt_songs_and_a_kill(stream):
    chance = random.Random(3)
    items = [f"a/song {n:03}" for n in range(450)]
    make_songs(stream.folder / "songs", items, seconds=0.4)
    corrupt = set(chance.sample(items, 25))
    for item in corrupt:
        (stream.folder / "songs" / f"{item}.ogg").write_text("no song\n" * 40)
    doubles = chance.sample(items, 50)
    messages = [item.encode() for item in items + doubles]
    chance.shuffle(messages)
    stream.pubsub.publish(stream.topic, *messages)

    stream.start()
    wait_until(lambda: len(stream.made("speech")) > 60, patience=90, what=stream.log(), every=0.1)
    stream.process.send_signal(signal.SIGKILL)
    stream.wait()
    assert len(stream.made("speech")) < 400, "killed too late to show anything"
    stream.start()
    good = sorted(set(items) - corrupt)

    def all_served() -> bool:
        failed = {row["item"] for row in stream.rows() if row["status"] == "failed"}
        return stream.made("speech") == good and failed == corrupt

    wait_until(all_served, patience=150, what="not all was served", every=0.5)
    time.sleep(12)  # what the killed one had leased comes back
    stream.process.send_signal(signal.SIGTERM)
    assert stream.wait() == 0, stream.log()

    assert stream.state()["state"] == "drained"
    assert not stream.pubsub.drain(stream.subscription), "every message is acknowledged"
    assert stream.made("downsample") == good
    assert stream.made("sibling") == [], "siblings are not run"
    done = Counter((row["item"], row["job"]) for row in stream.rows() if row["status"] == "done")
    assert max(done.values()) == 1
    told = {
        json.loads(message.data)["item"]
        for message in stream.pubsub.drain(f"{stream.told.replace('/topics/', '/subscriptions/')}")
    }
    assert told == set(good)


def test_only_what_is_missing_is_made_and_poison_is_buried(stream):
    make_songs(stream.folder / "songs", ["a", "b", "c"], seconds=1)
    stream.start()
    stream.pubsub.publish(
        stream.topic, b"a", b'{"item": "b", "targets": ["sibling"]}', b'{"item": 3}', b"missing"
    )
    wait_until(
        lambda: len(stream.rows()) >= 3 and stream.rows("dead"), patience=60, what=stream.log(), every=0.2
    )
    first = {(row["item"], row["job"]): row["status"] for row in stream.rows()}
    assert first == {
        ("a", "downsample"): "done", ("a", "speech"): "done",
        ("missing", "downsample"): "blocked", ("missing", "speech"): "blocked",
    }  # fmt: skip
    before = {
        path: path.stat().st_mtime_ns for path in (stream.folder / "artifacts" / "downsample").rglob("*.flac")
    }

    # Forced: the target again, not what it needs.
    stream.pubsub.publish(stream.topic, b'{"item": "a", "force": true}')

    def speeches() -> int:
        return sum(
            (row["item"], row["job"], row["status"]) == ("a", "speech", "done") for row in stream.rows()
        )

    wait_until(lambda: speeches() == 2, patience=60, what=stream.log(), every=0.2)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    Path(stream.spec.drain.removeprefix("file://")).write_text("")
    assert stream.wait() == 0, stream.log()
    (dead,) = stream.rows("dead")
    assert "item: Input should be a valid string" in dead["reason"]
    (buried,) = stream.pubsub.drain(stream.dead.replace("/topics/", "/subscriptions/"))
    assert (buried.data, "media_reason" in buried.attributes) == (b'{"item": 3}', True)
