"""A stream serves messages: each artifact once, each failure reported, nothing lost when it is killed."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest

from beam_jobs.pipelines.direct_pubsub import PULLED_AT_ONCE
from tests.beam.streams import Stream
from tests.integration.songs import make_songs
from tests.waiting import wait_until

pytestmark = pytest.mark.beam


def jobs(folder: Path) -> dict:
    """Three jobs; what the two last ones do is written down, too."""
    witness = {"step": "tests.beam.steps_for_tests:witness", "needs": ["downsample"]}
    return {
        "downsample": {"step": "downsample", "needs": ["source"]},
        "speech": {**witness, "params": {"diary": f"{folder}/diary"}},
        "sibling": {**witness, "params": {"diary": f"{folder}/sibling"}},
    }


def calls(folder: Path) -> Counter[str]:
    """Return how often the step of ``speech`` was called for each item."""
    diary = folder / "diary"
    return Counter(diary.read_text().splitlines() if diary.exists() else ())


@pytest.fixture
def stream(cloud, tmp_path):
    made = Stream(cloud, tmp_path, jobs(tmp_path), target="speech", suffix=".ogg")
    yield made
    made.kill()


@pytest.mark.timeout(400)
def test_five_hundred_messages_with_doubles_corrupt_songs_and_a_kill(stream):
    chance = random.Random(3)
    items = [f"a/song {n:03}" for n in range(450)]
    make_songs(stream.folder / "songs", items, seconds=0.4)
    corrupt = set(chance.sample(items, 25))
    for item in corrupt:
        (stream.folder / "songs" / f"{item}.ogg").write_text("no song\n" * 40)
    asked = items + chance.sample(items, 50)
    chance.shuffle(asked)
    stream.publish(*(item.encode() for item in asked))
    good = sorted(set(items) - corrupt)

    stream.start()
    wait_until(lambda: len(stream.made("speech")) > 60, what=stream.log, every=0.1)
    stream.kill()
    made, called, reported = stream.made("speech"), calls(stream.folder), stream.rows()
    assert len(made) < 400, "killed too late to show anything"
    stream.start()

    def all_served() -> bool:
        failed = {row["item"] for row in stream.rows() if row["status"] == "failed"}
        return stream.made("speech") == good and failed == corrupt

    wait_until(all_served, what="not all was served", every=0.5)
    time.sleep(12)  # what the killed one had leased comes back
    stream.process.terminate()
    assert stream.wait() == 0, stream.log()

    assert stream.state()["state"] == "drained"
    assert not stream.left(), "every message is acknowledged"
    assert stream.made("downsample") == good
    assert stream.made("sibling") == [], "siblings are not run"

    # Who was called at the kill and left nothing is called again; nobody else is called twice.
    cut_off = {item for item in called if item not in made}
    assert calls(stream.folder) == Counter({item: 1 + (item in cut_off) for item in good})

    # What was made at the kill and not reported is found there later; all else is reported as done, once.
    unsaid = set(made) - {row["item"] for row in reported if row["job"] == "speech"}
    done = Counter(row["item"] for row in stream.rows() if (row["job"], row["status"]) == ("speech", "done"))
    assert done == Counter(item for item in good if item not in unsaid)

    # One row of the target per message; a second one where the kill came between report and acknowledgement.
    told = {item for message in stream.left(stream.told) for item in [json.loads(message.data)["item"]]}
    rows = Counter(row["item"] for row in stream.rows() if row["job"] == "speech")
    twice = rows - Counter(asked)
    assert not Counter(asked) - rows
    assert set(twice) <= {row["item"] for row in reported}
    assert twice.total() <= PULLED_AT_ONCE
    assert told == set(good)


@pytest.mark.timeout(240)
def test_uploads_to_a_bucket_that_takes_the_artifacts_too(cloud, tmp_path):
    bucket = cloud.storage().create_bucket(f"st-{uuid.uuid4().hex[:8]}")
    home = f"gs://{bucket.name}"
    stream = Stream(
        cloud, tmp_path, jobs(tmp_path), target="speech", root=f"{home}/media", source=f"{home}/{{item}}",
        topic=cloud.storage_topic,
    )  # fmt: skip
    seen = cloud.pubsub().subscribe(f"{bucket.name}-seen", cloud.storage_topic)
    items = [f"a/song {n:02}.ogg" for n in range(20)]
    make_songs(tmp_path, [item.removesuffix(".ogg") for item in items], seconds=0.4)
    corrupt, doubles = items[3:6], items[8:12]
    for item in corrupt:
        (tmp_path / item).write_text("no song\n" * 40)
    uploads = items + doubles

    stream.start()
    try:
        for item in uploads:
            bucket.blob(item).upload_from_filename(tmp_path / item)
        stream.wait_for_rows(2 * len(items) + len(doubles))
        time.sleep(3)  # what the artifacts' own notifications come to
        assert stream.drain() == 0, stream.log()
    finally:
        stream.kill()

    # By what was done, what storage saw, and what is reported: no song twice, no artifact taken for one.
    good = sorted(set(items) - set(corrupt))
    assert calls(tmp_path) == Counter(good)
    objects = Counter(
        message.attributes["objectId"]
        for message in stream.pubsub.drain(seen)
        if message.attributes["bucketId"] == bucket.name
    )
    made = [*stream.list(f"{home}/media/downsample/"), *stream.list(f"{home}/media/speech/")]
    assert {objects[uri.removeprefix(f"{home}/")] for uri in made} == {1}
    assert stream.made("downsample") == stream.made("speech") == good
    assert stream.outcomes() == sorted(
        [(item, job, "done") for item in good for job in ("downsample", "speech")]
        + [(item, "speech", "present") for item in doubles]
        + [(item, *end) for item in corrupt for end in (("downsample", "failed"), ("speech", "blocked"))]
    )
    assert stream.rows("dead") == []
    told = Counter(json.loads(message.data)["item"] for message in stream.left(stream.told))
    assert told == Counter(good + doubles)


def test_only_what_is_missing_is_made_and_poison_is_buried(stream):
    make_songs(stream.folder / "songs", ["a", "b", "c"], seconds=1)
    stream.start()
    typo = b'{"item": "c", "targets": ["speach"]}'
    stream.publish(b"a", b'{"item": "b", "targets": ["sibling"]}', b'{"item": 3}', typo, b"missing")
    wait_until(
        lambda: len(stream.rows()) >= 4 and len(stream.rows("dead")) == 2,
        what=stream.log,
        every=0.2,
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
    stream.publish(b'{"item": "a", "force": true}')
    wait_until(lambda: calls(stream.folder)["a"] == 2, what=stream.log, every=0.2)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert stream.drain() == 0, stream.log()
    assert stream.outcomes().count(("a", "speech", "done")) == 2
    state = stream.state()
    assert [state[name] for name in ("messages", "dead", "ignored", "given_back")] == [6, 2, 1, 0]
    reasons = {dead["data"]: dead["reason"] for dead in stream.rows("dead")}
    assert "item: 3 is not an id as text" in reasons['{"item": 3}']
    assert reasons[typo.decode()] == "targets names 'speach', which is no job here; did you mean 'speech'?"
    buried = {letter.data: letter.attributes for letter in stream.left(stream.dead, wanted=2)}
    assert [buried[data]["media_reason"] for data in (b'{"item": 3}', typo)] == [
        reasons['{"item": 3}'], reasons[typo.decode()]
    ]  # fmt: skip
