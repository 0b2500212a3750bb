"""The operator and the command that start, find, drain and stop a stream."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest
import yaml

from airflow_media_provider.compat import DAG, AirflowException
from airflow_media_provider.operators.streaming import MediaStreamingJobOperator
from airflow_media_provider.runs.stream_spec import stream_spec
from airflow_media_provider.runs.streams import read_state
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.store import is_temporary
from tests.integration.songs import make_songs
from tests.waiting import wait_until

pytestmark = [pytest.mark.airflow, pytest.mark.beam]


@pytest.fixture
def served(cloud, tmp_path, monkeypatch):
    """A registry with a subscription of its own, and the topic of that."""
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    pubsub, name = cloud.pubsub(), f"op-{uuid.uuid4().hex[:8]}"
    topic = pubsub.topic(name, name)
    registry = tmp_path / "streams.yaml"
    registry.write_text(
        yaml.safe_dump(
            {
                "version": 1, "name": "streams", "root": f"file://{tmp_path}/artifacts",
                "source": {"uri": f"file://{tmp_path}/songs/{{item}}.ogg"},
                "uploads": {"subscription": pubsub.subscription(name), "topic": topic},
                "jobs": {"downsample": {"step": "downsample", "needs": ["source"]}},
            }
        )
    )  # fmt: skip
    make_songs(tmp_path / "songs", ["a", "b"], seconds=1)
    return registry, topic, pubsub


def operator(registry: Path, action: str, **more) -> MediaStreamingJobOperator:
    return MediaStreamingJobOperator(
        task_id=action, registry=str(registry), action=action, patience=180,
        dag=DAG("streams", schedule=None),
        **{"target": "downsample", **more},
    )  # fmt: skip


def state_of(registry: Path):
    from airflow_media_provider.registry.load import load_registry

    return read_state(stream_spec(load_registry(str(registry)), "downsample"), Stores())


def made_by(registry: Path) -> list[str]:
    """Return the names of the finished artifacts."""
    made = (registry.parent / "artifacts" / "downsample").glob("*/*.flac")
    return sorted(path.name for path in made if not is_temporary(path.name))


@pytest.mark.parametrize(("action", "ends_as"), [("drain", "drained"), ("stop", "stopped")])
def test_a_stream_is_started_found_again_and_ended(served, action, ends_as):
    registry, topic, pubsub = served
    results = {}
    first = operator(registry, "start")
    thread = threading.Thread(daemon=True, target=lambda: results.update(first=first.execute({})))
    thread.start()
    wait_until(lambda: state_of(registry).alive, what="the stream did not start")
    pubsub.publish(topic, b"a", b"b")
    wait_until(lambda: made_by(registry) == ["a.flac", "b.flac"], what="nothing was served")

    second = operator(registry, "start").execute({})
    assert second["pid"] == state_of(registry).said["pid"], (
        "the one that runs is found, not a second one started"
    )
    wait_until(lambda: state_of(registry).said.get("rows") == {"done": 2}, what="it is not told of")
    ended = operator(registry, action).execute({})
    thread.join(timeout=180)
    assert not thread.is_alive()
    assert ended["state"] == results["first"]["state"] == ends_as
    assert results["first"]["rows"] == {"done": 2}
    assert operator(registry, action).execute({})["state"] == ends_as, "there is nothing to end any more"


def test_a_stream_that_was_killed_a_moment_ago_is_started_anew(served):
    registry, topic, pubsub = served
    errors = []

    def start() -> None:
        try:
            operator(registry, "start").execute({})
        except AirflowException as error:
            errors.append(str(error))

    first = threading.Thread(daemon=True, target=start)
    first.start()
    wait_until(lambda: state_of(registry).alive, what="the stream did not start")
    killed = state_of(registry).said["pid"]
    os.kill(killed, signal.SIGKILL)
    first.join(timeout=180)
    assert "ended with code -9" in errors[0]

    second = threading.Thread(daemon=True, target=start)
    second.start()
    pubsub.publish(topic, b"a")
    wait_until(lambda: made_by(registry), what="nothing was served")
    wait_until(lambda: state_of(registry).said["pid"] != killed, what="it says nothing")
    operator(registry, "drain").execute({})
    second.join(timeout=180)
    assert (second.is_alive(), len(errors)) == (False, 1)


def test_a_stream_that_cannot_run_says_why(served):
    registry, *_ = served
    with pytest.raises(
        AirflowException, match="no job 'downsampl' in the registry; did you mean 'downsample'"
    ):
        operator(registry, "start", target="downsampl").execute({})
    gone = operator(registry, "start", subscription="projects/test-project/subscriptions/gone")
    said = (
        r"ended with code 2: could not run .*subscriptions/gone: 404 .*verify --subscription .*/gone --create"
    )
    with pytest.raises(AirflowException, match=said):
        gone.execute({})
    with pytest.raises(ValueError, match="action 'begin' is none of start, drain, stop"):
        operator(registry, "begin")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_the_stream_of_the_command_which_tells_how_it_ended(served, number):
    registry, topic, pubsub = served
    command = [str(Path(sys.executable).parent / "airflow"), "media", "stream", "start", "downsample"]
    with subprocess.Popen(
        [*command, "-r", str(registry), "--output", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
    ) as process:  # fmt: skip
        try:
            wait_until(lambda: state_of(registry).alive, what="the stream did not start")
            pubsub.publish(topic, b"a")
            wait_until(lambda: state_of(registry).said.get("messages"), what="nothing was served")
            process.send_signal(number)
            out, err = process.communicate(timeout=180)
        finally:
            process.kill()
    said = json.loads(out)
    assert (process.returncode, said["state"], said["rows"]) == (0, "drained", {"done": 1}), err
    assert "finishes what it has in work" in err


def test_a_command_without_its_subscription_says_so_once_and_how_to_make_it(served):
    registry, *_ = served
    command = [str(Path(sys.executable).parent / "airflow"), "media", "stream", "start", "downsample"]
    gone = "projects/test-project/subscriptions/gone"
    said = subprocess.run(
        [*command, "-r", str(registry), "--subscription", gone],
        capture_output=True, text=True, env=os.environ, timeout=400, check=False,
    )  # fmt: skip
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.count(f"{gone}: 404") == 1
    assert f"to make it: airflow media verify --subscription {gone} --create" in said.stderr


def test_the_command_line_tells_of_a_stream_and_drains_it(served):
    registry, topic, pubsub = served
    airflow = Path(sys.executable).parent / "airflow"

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(airflow), "media", "stream", *words, "-r", str(registry)],
            capture_output=True, text=True, env=os.environ, timeout=400, check=False,
        )  # fmt: skip

    assert "absent" in command("status", "downsample").stdout
    thread = threading.Thread(daemon=True, target=command, args=("start", "downsample"))
    thread.start()
    wait_until(lambda: state_of(registry).alive, what="the stream did not start")
    pubsub.publish(topic, b"a")
    wait_until(lambda: state_of(registry).said.get("messages"), what="nothing was served")
    assert "runs already" in command("start", "downsample").stderr
    drained = json.loads(command("drain", "downsample", "--output", "json").stdout)
    assert (drained["state"], drained["messages"], drained["rows"]) == ("drained", 1, {"done": 1})
    thread.join(timeout=180)
    assert not thread.is_alive()
