"""Everything that one registry names, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from airflow_media_provider.errors import StorageError
from airflow_media_provider.registry.model import JobGraph, Uploads
from airflow_media_provider.runners import is_remote
from airflow_media_provider.runs.verify.access import check_read, check_write
from airflow_media_provider.runs.verify.bucket import bucket_of, check_bucket, grant
from airflow_media_provider.runs.verify.finding import Finding
from airflow_media_provider.runs.verify.folder import check_folder
from airflow_media_provider.runs.verify.image import check_image
from airflow_media_provider.runs.verify.notification import check_notification
from airflow_media_provider.runs.verify.peers import Peers
from airflow_media_provider.runs.verify.places import Place, places
from airflow_media_provider.runs.verify.runner import (
    check_dataflow,
    check_options,
    check_server,
    images,
    servers,
)
from airflow_media_provider.runs.verify.subscription import check_subscription
from airflow_media_provider.runs.verify.topic import check_topic
from airflow_media_provider.runs.verify.worker import check_worker
from beam_jobs.contract.address import local_path


def verify(
    graph: JobGraph,
    peers: Peers,
    *,
    python: str,
    subscriptions: Iterable[str] = (),
    create: bool = False,
    location: str | None = None,
) -> Iterator[Finding]:
    """Yield a finding for each thing that ``graph`` needs.

    :param python: the worker's interpreter.
    :param subscriptions: of streams, which the registry does not name.
    :param create: make buckets, topics, subscriptions, the notification of uploads and local folders that are
        missing. Nothing that exists is changed.
    :param location: where new buckets are.
    """
    for place in places(graph):
        yield from _place(place, peers, create=create, location=location)
    yield from _messages(graph, peers, subscriptions, create=create)
    yield from _runners(graph, peers)
    yield from check_worker(graph, python)


def _place(place: Place, peers: Peers, *, create: bool, location: str | None) -> Iterator[Finding]:
    bucket, path = bucket_of(place.uri), local_path(place.uri)
    fix = "let this account read and write there" if place.write else "let this account read there"
    listed = there = True
    if bucket is not None:
        found, there = check_bucket(place, bucket, peers, create=create, location=location)
        fix, listed = grant(place, bucket, peers), found.usable
        yield found
    elif path is not None:
        found = check_folder(place, path, create=create)
        there = found.usable
        yield found
    if there:
        yield from _access(place, peers, read=listed, fix=fix)


def _access(place: Place, peers: Peers, *, read: bool, fix: str) -> Iterator[Finding]:
    """Look whether a place does what it is for.

    :param read: whether there is a listing to find an object in; who may not list may still write.
    """
    try:
        store = peers.stores.for_uri(place.uri)
    except (StorageError, ImportError) as error:
        what = f"{place.what} {place.uri}"
        yield Finding(what=what, state="missing", detail=str(error), fix="install what serves that storage")
        return
    if read:
        yield check_read(place, store, fix=fix)
    if place.write:
        yield from check_write(place, store, fix=fix)


def _messages(
    graph: JobGraph, peers: Peers, subscriptions: Iterable[str] = (), *, create: bool
) -> Iterator[Finding]:
    """Look at topics first: a subscription, and a notification, is made of one."""
    topics: dict[str, str] = {}
    if graph.uploads is not None:
        for name in ("topic", "dead_letter_topic"):
            if topic := getattr(graph.uploads, name):
                topics.setdefault(topic, f"uploads.{name}")
    for job in graph.jobs.values():
        if job.completion_topic:
            topics.setdefault(job.completion_topic, "completion_topic")
    for topic, what in topics.items():
        yield from check_topic(what, topic, peers, create=create)
    if graph.uploads is not None:
        yield from check_subscription(graph.uploads, peers, create=create)
        yield from check_notification(graph, peers, create=create)
    topic = graph.uploads.topic if graph.uploads else None
    for name in dict.fromkeys(subscriptions):
        if graph.uploads is None or name != graph.uploads.subscription:
            own = Uploads(subscription=name, topic=topic)
            yield from check_subscription(own, peers, create=create, of_stream=True)


def _runners(graph: JobGraph, peers: Peers) -> Iterator[Finding]:
    seen: dict[tuple[str, str], None] = {}
    told: set[Finding] = set()
    for job in (job for job in graph.jobs.values() if is_remote(job)):
        for finding in (
            check_options(job),
            *(check_dataflow(graph, job) if job.runner.name == "dataflow" else ()),
        ):
            if finding not in told:
                told.add(finding)
                yield finding
        seen.update(dict.fromkeys((*images(job), *servers(job))))
    for option, value in seen:
        image = option.endswith("_image")
        yield check_image(option, value, peers) if image else check_server(option, value)
