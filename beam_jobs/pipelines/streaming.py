"""The unbounded pipeline of one target: messages -> line -> report, completions -> acknowledgement."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import threading
import time
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_jobs.contract.errors import MediaJobError
from beam_jobs.contract.process import place
from beam_jobs.contract.process import started as started_at
from beam_jobs.contract.stream import StreamSpec
from beam_jobs.pipelines.crew import dismiss_crews
from beam_jobs.pipelines.direct_pubsub import ATTEMPTS, Leases, take_over
from beam_jobs.pipelines.progress import emit
from beam_jobs.pipelines.stream_conclude import STATISTICS, Conclude
from beam_jobs.pipelines.stream_messages import Serve
from beam_jobs.pipelines.watchdog import patience_s
from beam_jobs.storage.retry import with_retries
from beam_jobs.storage.store import Found, store_for

log = logging.getLogger(__name__)

HEARTBEAT_S = 2.0
DIRECT = ("", "direct", "DirectRunner", "FnApiRunner", "BundleBasedDirectRunner")


def build(pipeline: beam.Pipeline, spec: StreamSpec) -> None:
    """Put the pipeline together; on Dataflow a message is acknowledged when its bundle is committed."""
    _ = (
        pipeline
        | "Read" >> beam.io.ReadFromPubSub(subscription=spec.subscription, with_attributes=True)
        | "Serve" >> beam.ParDo(Serve(spec))
        | "Conclude" >> beam.ParDo(Conclude(spec))
    )


def is_direct(spec: StreamSpec) -> bool:
    """Tell whether the pipeline runs in this process."""
    return str(spec.options.get("runner") or "") in DIRECT


def serve(spec: StreamSpec) -> bool:
    """Run until asked to end: by SIGTERM, or by the object ``spec.drain``.

    :return: whether all work is finished; False when what was in work is given back, and still goes on here.
    :raises MediaJobError: when the pipeline ends by itself, or nothing goes on in it.
    """
    if not is_direct(spec):
        pipeline = beam.Pipeline(options=PipelineOptions.from_dictionary({**spec.options, "streaming": True}))
        build(pipeline, spec)
        emit("submitted", job=spec.target, job_id=_job_id(pipeline.run()))
        return True
    patience = sum(patience_s(job.spec.limits) for job in spec.line)
    leases = Leases(spec.subscription, lease_s=spec.lease_s, patience_s=patience)
    take_over(leases)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leases.draining.set())
    options = {**spec.options, "runner": "BundleBasedDirectRunner", "streaming": True}
    pipeline = beam.Pipeline(options=PipelineOptions.from_dictionary(options))
    build(pipeline, spec)
    result = pipeline.run()
    threading.Thread(target=_await, args=(result, leases), name="pipeline", daemon=True).start()
    try:
        finished = _watch(spec, leases)
        if finished:
            result.cancel()
    finally:
        leases.give_all_back()
        dismiss_crews()
    return finished


def _job_id(result: Any) -> str:
    return str(result.job_id())


def _await(result: Any, leases: Leases) -> None:
    """Take note when the pipeline ends by itself: a runner that gave a bundle up says so only here."""
    try:
        leases.fault = MediaJobError(f"the pipeline ended as {result.wait_until_finish()}")
    except Exception as error:
        leases.fault = error


def _watch(spec: StreamSpec, leases: Leases) -> bool:
    """Say now and then that the pipeline lives, until it is drained; False when it is to stop at once."""
    started, empty_since = time.time(), None
    while True:
        drained = leases.draining.is_set() and not leases.in_work
        empty_since = (empty_since or time.monotonic()) if drained else None
        over = empty_since is not None and time.monotonic() - empty_since > HEARTBEAT_S
        fault = "no item ended for too long (storage hangs?)" if leases.stuck else leases.fault
        if fault is not None:
            STATISTICS.trouble = str(fault)[:500]
            _say(spec, "failed", started, leases)
            raise MediaJobError(f"stream {spec.name!r}: {spec.subscription}: {fault}")
        state = "drained" if over else "draining" if leases.draining.is_set() else "running"
        _say(spec, state, started, leases)
        if over:
            return True
        asked = _look_for_drain(spec)
        if asked is not None and asked.size:
            _say(spec, "stopped", started, leases)
            return False
        if asked is not None:
            leases.draining.set()
        leases.draining.wait(HEARTBEAT_S) if not leases.draining.is_set() else time.sleep(0.2)


def _look_for_drain(spec: StreamSpec) -> Found | None:
    try:
        return store_for(spec.drain).look(spec.drain)
    except Exception as error:  # storage is away for a moment: nobody has asked yet, then
        log.warning("%s: cannot look for %s: %s", spec.name, spec.drain, error)
        return None


def _say(spec: StreamSpec, state: str, started: float, leases: Leases) -> None:
    """Write the state; where storage refuses, a stream that serves need not end for it."""
    facts = {
        "name": spec.name, "target": spec.target, "state": state, "pid": os.getpid(),
        "host": socket.gethostname(), "place": place(), "process": started_at(os.getpid()),
        "started": started, "updated": time.time(), "in_work": leases.in_work,
        "messages": STATISTICS.messages, "dead": STATISTICS.dead, "ignored": STATISTICS.ignored,
        "given_back": STATISTICS.given_back,
        "trouble": STATISTICS.trouble, "rows": STATISTICS.rows,
    }  # fmt: skip
    store = store_for(spec.state)
    try:
        with store.draft(spec.state, ".json") as draft:
            draft.write_text(json.dumps(facts, indent=1))
            attempts = 1 if state in ("running", "draining") else ATTEMPTS
            with_retries(lambda: store.publish(draft, spec.state, replace=True), attempts=attempts)
    except Exception as error:
        log.warning("%s: cannot write %s: %s", spec.name, spec.state, error)
    emit("progress", job=spec.target, done=STATISTICS.messages, failed=STATISTICS.dead, total=0)
