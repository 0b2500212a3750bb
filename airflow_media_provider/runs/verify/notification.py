"""The source's bucket: it announces new files to the topic of uploads. Without that nothing ever comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.runs.verify.bucket import bucket_of
from airflow_media_provider.runs.verify.finding import Finding, one_line, refused
from airflow_media_provider.runs.verify.peers import TIMEOUT_S, Peers
from beam_jobs.contract.address import Address

FINALIZE = "OBJECT_FINALIZE"


def check_notification(graph: JobGraph, peers: Peers, *, create: bool) -> Iterator[Finding]:
    """Yield whether the source's bucket announces its files; with ``create`` make it do so.

    Nothing is said of a source that is no bucket, nor without the topic of uploads: others announce it then.
    """
    source = Address.parse(graph.source, root=graph.root).prefix
    bucket = bucket_of(source)
    if graph.uploads is None or graph.uploads.topic is None or bucket is None:
        return
    topic, key = graph.uploads.topic, source.removeprefix(f"gs://{bucket}/")
    what = f"source gs://{bucket}: announces files to {topic}"
    command = (
        f"gcloud storage buckets notifications create gs://{bucket} --topic={topic} --event-types={FINALIZE}"
    )
    try:
        place = peers.storage().bucket(bucket)
        found = list(place.list_notifications(timeout=TIMEOUT_S, retry=None))
    except Exception as error:
        detail = (
            f"could not be looked up ({one_line(error)}); to see it: "
            f"gcloud storage buckets notifications list gs://{bucket}"
        )
        yield Finding(what=what, state="not checked", detail=detail)
        return
    own = [c for c in found if f"projects/{c.topic_project}/topics/{c.topic_name}" == topic]
    if any(_announces(config, key) for config in own):
        yield Finding(what=what, state="ok")
    elif own:
        detail = (
            f"it announces {' and '.join(_told(config) for config in own)}, not every new file of the source"
        )
        yield Finding(what=what, state="wrong", detail=detail, fix=command)
    elif create:
        yield _make(what, place, topic, command)
    else:
        detail = "it has no notification for this topic, so that no upload is ever heard of"
        fix = f"airflow media verify --create, or: {command}; or leave out uploads.topic when others announce"
        yield Finding(what=what, state="missing", detail=detail, fix=fix)


def _make(what: str, place: Any, topic: str, command: str) -> Finding:
    _, project, _, name = topic.split("/")
    try:
        place.notification(
            topic_name=name, topic_project=project, event_types=[FINALIZE], payload_format="JSON_API_V1"
        ).create(timeout=TIMEOUT_S, retry=None)
    except Exception as error:
        # That command also lets the service's own account publish to the topic, which the API does not.
        return refused(what, error, fix=f"as an owner of bucket and topic: {command}")
    return Finding(what=what, state="created", detail=f"made a notification of {FINALIZE}")


def _announces(config: Any, key: str) -> bool:
    """Tell whether every new object whose name begins with ``key`` is announced."""
    return FINALIZE in (config.event_types or (FINALIZE,)) and key.startswith(config.blob_name_prefix or "")


def _told(config: Any) -> str:
    events = ", ".join(config.event_types or ("all events",))
    return f"{events} below {config.blob_name_prefix}" if config.blob_name_prefix else events
