"""Streams that run on this side of a remote runner: found by what they say of themselves."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from airflow_media_provider.errors import ObjectNotFound
from airflow_media_provider.storage import Stores
from beam_jobs.contract.process import place, started
from beam_jobs.contract.stream import StreamSpec

SILENT_S = 30.0
"""A stream that has said nothing for so long has died."""

ALIVE = ("running", "draining")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """What a stream last said.

    :param state: ``running``, ``draining``, ``drained``, ``stopped``, ``failed``; ``absent`` when there is
        none, ``silent`` when it stopped talking, or its process is gone.
    """

    name: str
    state: str
    said: dict[str, Any]

    @property
    def alive(self) -> bool:
        """Tell whether it serves messages, or finishes those it has."""
        return self.state in ALIVE


def read_state(spec: StreamSpec, stores: Stores, *, now: float | None = None) -> StreamState:
    """Return what the stream says of itself."""
    try:
        said = json.loads(stores.for_uri(spec.state).read(spec.state))
    except ObjectNotFound:
        return StreamState(name=spec.name, state="absent", said={})
    state = str(said.get("state"))
    if state in ALIVE:
        age = (time.time() if now is None else now) - said.get("updated", 0)
        # Where its process can be seen, that decides: a storage that hangs keeps it from saying anything.
        gone = _is_gone(said)
        silent = age > SILENT_S if gone is None else gone
        state = "silent" if silent else state
    return StreamState(name=spec.name, state=state, said=said)


def find_running(spec: StreamSpec, stores: Stores, *, every: float = 1.0) -> StreamState:
    """Return what the stream says of itself, believed only when it is still so.

    One that was killed a moment ago has said that it runs. Its process is looked for; where that cannot be
    seen from here, the next word is awaited.
    """
    state = read_state(spec, stores)
    deadline = time.monotonic() + SILENT_S
    if not state.alive or _is_gone(state.said) is not None:
        return state
    while time.monotonic() < deadline:
        time.sleep(every)
        later = read_state(spec, stores)
        if later.said != state.said or not later.alive:
            return later
    return StreamState(name=spec.name, state="silent", said=state.said)


def _is_gone(said: dict[str, Any]) -> bool | None:
    """Tell whether its process has ended; None where that cannot be seen: elsewhere, or another user's."""
    if not said.get("place") or said["place"] != place():
        return None
    begun = started(int(said["pid"]))
    return None if begun == "" else begun != said.get("process")


def prepare_start(spec: StreamSpec, stores: Stores) -> str:
    """Write the spec, take back an earlier request to end, and return the spec's URI."""
    uri = f"{spec.home}/spec.json"
    store = stores.for_uri(uri)
    store.delete(spec.drain)
    store.write(uri, spec.model_dump_json(indent=1).encode())
    return uri


def ask_to_end(spec: StreamSpec, stores: Stores, *, at_once: bool = False) -> None:
    """Ask the stream to finish what it has in work and end, or to end at once."""
    stores.for_uri(spec.drain).write(spec.drain, b"now" if at_once else b"")


def wait_for_end(spec: StreamSpec, stores: Stores, *, patience: float, every: float = 1.0) -> StreamState:
    """Return the state once the stream is not alive any more, or when ``patience`` seconds are over."""
    deadline = time.monotonic() + patience
    while (state := read_state(spec, stores)).alive and time.monotonic() < deadline:
        time.sleep(every)
    return state
