"""Whether a stream runs: its own word, and what bears it out."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from typing import Any

import pytest

from airflow_media_provider.registry import media_registry
from airflow_media_provider.runs import streams
from airflow_media_provider.runs.stream_spec import stream_spec
from airflow_media_provider.runs.streams import find_running, read_state
from airflow_media_provider.storage import Stores
from beam_jobs.contract.process import place, started

pytestmark = pytest.mark.skipif(not place(), reason="the system says nothing of its processes")


@pytest.fixture
def spec(tmp_path):
    jobs = {"downsample": {"step": "downsample", "needs": ["source"]}}
    graph = media_registry(
        root=f"file://{tmp_path}/artifacts", source=f"file://{tmp_path}/{{item}}.ogg", jobs=jobs
    )
    return stream_spec(graph, "downsample", subscription="projects/p/subscriptions/s")


def say(spec, **facts: Any) -> None:
    said = {
        "state": "running", "updated": time.time(), "pid": os.getpid(), "place": place(),
        "process": started(os.getpid()), **facts,
    }  # fmt: skip
    Stores().for_uri(spec.state).write(spec.state, json.dumps(said).encode())


def test_a_stream_whose_process_is_here_runs(spec):
    say(spec)
    assert find_running(spec, Stores()).alive


def test_a_stream_whose_process_is_here_runs_even_if_storage_takes_no_word_of_it(spec):
    say(spec, updated=time.time() - 600)
    assert read_state(spec, Stores()).alive
    say(spec, updated=time.time() - 600, place="elsewhere")
    assert read_state(spec, Stores()).state == "silent"


def test_a_stream_whose_process_is_gone_does_not_run_whatever_it_said_last(spec):
    child = subprocess.Popen(["sleep", "60"])
    say(spec, pid=child.pid, process=started(child.pid))
    assert read_state(spec, Stores()).alive
    child.kill()
    child.wait()
    assert read_state(spec, Stores()).state == find_running(spec, Stores()).state == "silent"


def test_another_process_with_the_same_number_is_not_the_stream(spec):
    say(spec, process="12")
    assert read_state(spec, Stores()).state == "silent"


def test_a_stream_here_whose_process_is_hidden_is_judged_by_its_word(spec, monkeypatch):
    monkeypatch.setattr(streams, "started", lambda pid: "")
    say(spec)
    assert read_state(spec, Stores()).alive
    say(spec, updated=time.time() - 600)
    assert read_state(spec, Stores()).state == "silent"
    monkeypatch.setattr(streams, "SILENT_S", 1.0)
    say(spec, updated=time.time() + 60)
    assert find_running(spec, Stores(), every=0.1).state == "silent", "it says no more"


def test_a_stream_elsewhere_runs_when_it_says_more(spec, monkeypatch):
    monkeypatch.setattr(streams, "SILENT_S", 20.0)
    say(spec, place="elsewhere")
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(0.2):
            say(spec, place="elsewhere")

    talker = threading.Thread(daemon=True, target=go_on)
    talker.start()
    try:
        assert find_running(spec, Stores(), every=0.1).alive
    finally:
        ended.set()
        talker.join()


def test_a_stream_elsewhere_that_says_no_more_does_not_run(spec, monkeypatch):
    monkeypatch.setattr(streams, "SILENT_S", 1.0)
    say(spec, place="elsewhere", updated=time.time() + 60)  # the clocks differ
    assert find_running(spec, Stores(), every=0.1).state == "silent"
