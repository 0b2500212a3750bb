"""From a registry and a target to the stream spec that a worker reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_media_provider.errors import PlanError
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.ours import ours
from airflow_media_provider.registry.recipe import recipe
from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.stream import LineJob, StreamSpec

STREAMS_FOLDER = "_streams"


def stream_spec(graph: JobGraph, target: str, *, to_start: bool = True, **options: Any) -> StreamSpec:
    """Return the stream of ``target``: its whole line of ancestors in one pipeline.

    :param to_start: False = to look for one, or to end it: that needs no subscription.
    :param options: ``subscription``, ``lease_s`` and others of :class:`StreamSpec`, instead of the
        registry's.
    :raises PlanError: for an unknown job, a line that works on items' children or with a step that is more
        than a function, or when nobody names a subscription for one that is to start.
    """
    name = graph.job(target).name
    subscription = options.pop("subscription", None) or (graph.uploads and graph.uploads.subscription)
    if to_start and not subscription:
        raise PlanError(
            f"stream of {name!r}: no subscription; give one, or 'uploads: {{subscription: …}}' in the "
            "registry"
        )
    stream = f"media-stream-{graph.name}-{name}".replace("_", "-").lower()
    home = f"{graph.root.rstrip('/')}/{STREAMS_FOLDER}/{stream}"
    line = graph.sort(graph.ancestors([name]))
    _check(graph, name, line)
    given: dict[str, Any] = {
        "completion_topic": graph.jobs[name].completion_topic,
        "dead_letter_topic": graph.uploads.dead_letter_topic if graph.uploads else None,
        **{key: value for key, value in options.items() if value is not None},
    }
    return StreamSpec(
        name=stream, registry=graph.name, target=name, source=graph.source, root=graph.root, home=home,
        jobs=tuple(graph.order), ours=ours(graph),
        subscription=subscription or "", line=tuple(_job(graph, job, stream) for job in line), **given,
    )  # fmt: skip


def _check(graph: JobGraph, target: str, line: Iterable[str]) -> None:
    for job in line:
        made = recipe(graph, job)
        if what := made.step.by_beam:
            raise PlanError(
                f"stream of {target!r}: the step of {job!r} {what}, and a stream has no place for that; "
                "run it as a DAG"
            )
        level = made.level
        if level is not None:
            raise PlanError(
                f"stream of {target!r}: {job!r} works on the children that {level!r} makes of an item, and a "
                f"stream carries items only; stream {level!r}, and run the rest as a DAG"
            )


def _job(graph: JobGraph, name: str, stream: str) -> LineJob:
    made = recipe(graph, name)
    job = made.job
    spec = LaunchSpec(
        run_id=stream, job=name, team=job.team, step=job.step, params=dict(job.params), manifest="", total=0,
        inputs={input_: address.template for input_, address in made.input_addresses.items()},
        needs=made.inputs, output=made.address.template, report="", limits=job.limits,
        child_output=made.child_address.template if made.child_address else None,
        concurrency=job.concurrency, options={},
    )  # fmt: skip
    return LineJob(spec=spec, parents=job.parents, fingerprint=made.fingerprint)
