"""What waits in the triggerer: it must travel as JSON, not block the loop, and know when to stop."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest

pytestmark = pytest.mark.airflow


def trigger(catalog, **more: Any):
    """Return the sensor's trigger as a triggerer gets it: by its path and JSON arguments."""
    from airflow_media_provider.registry.load import load_registry
    from airflow_media_provider.registry.snapshot import dump_graph
    from airflow_media_provider.triggers.look import OutputLook
    from airflow_media_provider.triggers.media import MediaOutputTrigger

    look = OutputLook(
        job="loudness",
        graph=dump_graph(load_registry(catalog.registry)),
        request={"items": ["a", "rock/b"], "targets": ["loudness"], **more},
    )
    return travelled(MediaOutputTrigger.of(look, min_coverage=1.0, poll_interval=0.05))


def travelled(sent):
    from importlib import import_module

    path, arguments = json.loads(json.dumps(sent.serialize()))
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)(**arguments)


async def first_event(waiting, patience: float = 120) -> dict[str, Any]:
    async with asyncio.timeout(patience):
        async for event in waiting.run():
            return event.payload
    raise AssertionError("the trigger ended without an event")


def test_it_fires_with_counts_once_all_artifacts_are_there(catalog):
    address = catalog.address("loudness")
    started = time.monotonic()
    timers = [
        catalog.write_later(address.of(item), seconds=wait) for item, wait in (("a", 0), ("rock/b", 0.6))
    ]

    found = asyncio.run(first_event(trigger(catalog)))

    assert found == {"items": 2, "present": 2, "coverage": 1.0}
    assert time.monotonic() - started > 0.5
    for timer in timers:
        timer.join()


def test_it_lets_the_scheduler_hear_first_that_the_task_deferred(catalog, monkeypatch):
    monkeypatch.setattr("airflow_media_provider.triggers.settle.SETTLE_S", 1.5)
    address = catalog.address("loudness")
    for item in ("a", "rock/b"):
        catalog.write_later(address.of(item), seconds=0).join()
    started = time.monotonic()
    assert asyncio.run(first_event(trigger(catalog)))["present"] == 2
    assert time.monotonic() - started >= 1.5


def test_it_does_not_need_the_registrys_file(catalog):
    for item in ("a", "rock/b"):
        catalog.write_later(catalog.address("loudness").of(item), seconds=0).join()
    waiting = trigger(catalog)
    (catalog.folder / "registry.yaml").unlink()

    assert asyncio.run(first_event(waiting))["present"] == 2


def test_the_loop_goes_on_while_it_lists(catalog, monkeypatch):
    """A slow storage must not hold up the other triggers of a triggerer."""
    from airflow_media_provider.storage.local import LocalStore

    listing = LocalStore.list_uris
    began, ticked, told = threading.Event(), threading.Event(), []

    def slow(self, *args: Any, **more: Any):
        began.set()
        told.append(ticked.wait(30))  # in vain where the loop waits for the listing
        return listing(self, *args, **more)

    monkeypatch.setattr(LocalStore, "list_uris", slow)

    async def tick() -> None:
        waiting = asyncio.create_task(first_event(trigger(catalog)))
        while not began.is_set():
            await asyncio.sleep(0.01)
        for _ in range(20):
            await asyncio.sleep(0.01)
        ticked.set()
        waiting.cancel()

    asyncio.run(tick())  # waits for the listing
    assert told
    assert all(told)


def test_a_list_that_is_gone_ends_the_wait_with_a_sentence(catalog):
    found = asyncio.run(first_event(trigger(catalog, items=None, items_uri="/no/such/list.txt")))

    assert "/no/such/list.txt" in found["error"]


def test_the_watcher_and_the_sensor_of_uploads_know_what_is_made_among_the_sources_files(tmp_path):
    """Else the announcement of an artifact is work, and what that makes is announced again."""
    from airflow_media_provider.compat import DAG
    from airflow_media_provider.dag_factory.wake import uploads_asset
    from airflow_media_provider.registry import load_registry
    from airflow_media_provider.sensors.uploads import MediaUploadSensor

    registry = tmp_path / "registry.yaml"
    registry.write_text("""
version: 1
name: among
root: gs://b/media
source: {uri: "gs://b/songs/{item}"}
uploads: {subscription: projects/p/subscriptions/s}
jobs:
  loudness: {step: loudness, needs: [source], output: "gs://b/songs/derived/{item}{suffix}"}
""")
    with DAG("among", schedule=None):
        sensor = MediaUploadSensor(task_id="wait", registry=str(registry))
    (watcher,) = uploads_asset(load_registry(registry)).watchers
    for sent in (sensor._trigger(), watcher.trigger):
        assert "gs://b/songs/derived/{item}.json" in travelled(sent).ours
