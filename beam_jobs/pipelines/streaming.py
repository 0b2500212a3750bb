"""The unbounded pipeline of one target: messages -> line -> report, completions -> acknowledgement."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_jobs.contract.errors import MediaJobError
from beam_jobs.contract.stream import StreamSpec
from beam_jobs.pipelines.crew import dismiss_crews
from beam_jobs.pipelines.progress import emit
from beam_jobs.pipelines.stream_messages import STATISTICS, Conclude, Serve
from beam_jobs.storage.store import store_for

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


def serve(spec: StreamSpec) -> None:
    """Run until asked to drain: by SIGTERM, or by the object ``spec.drain``.

    :raises MediaJobError: when the pipeline ends by itself.
    """
    if not is_direct(spec):
        pipeline = beam.Pipeline(options=PipelineOptions.from_dictionary({**spec.options, "streaming": True}))
        build(pipeline, spec)
        emit("submitted", job=spec.target, job_id=_job_id(pipeline.run()))
        return
    from beam_jobs.pipelines.direct_pubsub import Leases, take_over

    leases = Leases(spec.subscription, lease_s=spec.lease_s)
    take_over(leases)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leases.draining.set())
    options = {**spec.options, "runner": "BundleBasedDirectRunner", "streaming": True}
    pipeline = beam.Pipeline(options=PipelineOptions.from_dictionary(options))
    build(pipeline, spec)
    result = pipeline.run()
    try:
        _watch(spec, leases, result)
    finally:
        leases.close()
        dismiss_crews()


def _job_id(result: Any) -> str:
    return str(result.job_id())


def _watch(spec: StreamSpec, leases: Any, result: Any) -> None:
    """Say now and then that the pipeline lives, until it is drained."""
    started, empty_since = time.time(), None
    while True:
        drained = leases.draining.is_set() and not leases.in_work
        empty_since = (empty_since or time.monotonic()) if drained else None
        over = empty_since is not None and time.monotonic() - empty_since > HEARTBEAT_S
        if leases.fault is not None:
            _say(spec, "failed", started, leases)
            result.cancel()
            raise MediaJobError(f"stream {spec.name!r}: {spec.subscription}: {leases.fault}")
        if result.state not in ("RUNNING", "STARTING", "UNKNOWN"):
            _say(spec, "failed", started, leases)
            raise MediaJobError(f"stream {spec.name!r}: the pipeline ended as {result.state}")
        _say(
            spec,
            "drained" if over else "draining" if leases.draining.is_set() else "running",
            started,
            leases,
        )
        if over:
            result.cancel()
            return
        asked = store_for(spec.drain).look(spec.drain)
        if asked is not None and asked.size:  # to stop at once: what is in work goes back to Pub/Sub
            _say(spec, "stopped", started, leases)
            result.cancel()
            return
        if asked is not None:
            leases.draining.set()
        leases.draining.wait(HEARTBEAT_S) if not leases.draining.is_set() else time.sleep(0.2)


def _say(spec: StreamSpec, state: str, started: float, leases: Any) -> None:
    facts = {
        "name": spec.name, "target": spec.target, "state": state, "pid": os.getpid(),
        "host": socket.gethostname(), "started": started, "updated": time.time(),
        "in_work": leases.in_work, "messages": STATISTICS.messages, "dead": STATISTICS.dead,
        "rows": STATISTICS.rows,
    }  # fmt: skip
    store = store_for(spec.state)
    with store.draft(spec.state, ".json") as draft:
        draft.write_text(json.dumps(facts, indent=1))
        store.publish(draft, spec.state, replace=True)
    emit("progress", job=spec.target, done=STATISTICS.messages, failed=STATISTICS.dead, total=0)
