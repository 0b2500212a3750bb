"""A subscription of Pub/Sub: there, of the right topic, to be pulled from, and its messages may be taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from airflow_media_provider.registry.model import Uploads
from airflow_media_provider.runs.verify.finding import Finding, refused
from airflow_media_provider.runs.verify.peers import TIMEOUT_S, Peers
from airflow_media_provider.runs.verify.topic import LETTERS, NAME, NETWORK, grant, may
from airflow_media_provider.storage.refusal import why_refused

OWN_NAME = f"correct the name that --subscription gives: {LETTERS}"
CONSUME = "pubsub.subscriptions.consume"
SHORTEST_S = 10
"""A lease is made longer as soon as messages are here; until then the subscription's own holds."""

NEW_S = 60
DELETED = "_deleted-topic_"


def check_subscription(
    uploads: Uploads, peers: Peers, *, create: bool, of_stream: bool = False
) -> Iterator[Finding]:
    """Yield whether the subscription of ``uploads`` is usable; with ``create`` make it.

    :param of_stream: it is a stream's own; it may be of any topic, and is made of that of ``uploads``.
    """
    name = uploads.subscription
    what = f"{'subscription' if of_stream else 'uploads.subscription'} {name}"
    fix = grant("subscriptions", name, "roles/pubsub.subscriber", peers)
    try:
        client = peers.subscriber()
        found = client.get_subscription(subscription=name, timeout=TIMEOUT_S, retry=None)
    except Exception as error:
        match why_refused(error):
            case "missing":
                finding = _absent(what, uploads, peers, create=create)
                yield finding
                if not finding.usable:
                    return
            case "denied":
                yield Finding(what=what, state="not checked", detail="this account may not see its settings")
            case _:
                yield refused(
                    what, error, fix=fix, unreachable=NETWORK, wrong=OWN_NAME if of_stream else NAME
                )
                return
        client = peers.subscriber()
    else:
        yield from _settings(what, found, replace(uploads, topic=None) if of_stream else uploads)
    yield may(f"{what}: pull", client, name, CONSUME, fix)


def _absent(what: str, uploads: Uploads, peers: Peers, *, create: bool) -> Finding:
    if uploads.topic is None:
        detail = "there is no such subscription, and the registry does not say of which topic it is"
        return Finding(what=what, state="missing", detail=detail, fix="write uploads.topic into the registry")
    command = (
        f"gcloud pubsub subscriptions create {uploads.subscription} --topic={uploads.topic} "
        f"--ack-deadline={NEW_S}"
    )
    if not create:
        fix = f"airflow media verify --create, or: {command}"
        return Finding(what=what, state="missing", detail="there is no such subscription", fix=fix)
    request = {
        "name": uploads.subscription,
        "topic": uploads.topic,
        "ack_deadline_seconds": NEW_S,
    }
    try:
        peers.subscriber().create_subscription(request=request, timeout=TIMEOUT_S, retry=None)
    except Exception as error:
        return refused(what, error, fix=f"as an owner of the project: {command}", unreachable=NETWORK)
    return Finding(what=what, state="created", detail=f"made {uploads.subscription} of {uploads.topic}")


def _settings(what: str, found: Any, uploads: Uploads) -> Iterator[Finding]:
    name = uploads.subscription
    anew = (
        f"gcloud pubsub subscriptions delete {name}, then: airflow media verify --create; "
        "what it still holds is lost"
    )
    if found.topic == DELETED or found.detached:
        yield Finding(what=what, state="wrong", detail="its topic is gone, so nothing comes", fix=anew)
    elif uploads.topic is not None and found.topic != uploads.topic:
        detail = f"it is of {found.topic}, and the registry says {uploads.topic}"
        yield Finding(what=what, state="wrong", detail=detail, fix="name its own topic as uploads.topic")
    elif found.push_config.push_endpoint:
        detail = f"it pushes to {found.push_config.push_endpoint}, so there is nothing to pull"
        fix = f"gcloud pubsub subscriptions modify-push-config {name} --push-endpoint=''"
        yield Finding(what=what, state="wrong", detail=detail, fix=fix)
    elif found.ack_deadline_seconds < SHORTEST_S:
        detail = f"its ack deadline is {found.ack_deadline_seconds} s, too short to take a batch"
        fix = f"gcloud pubsub subscriptions update {name} --ack-deadline={NEW_S}"
        yield Finding(what=what, state="wrong", detail=detail, fix=fix)
    else:
        yield Finding(
            what=what, state="ok", detail=f"of {found.topic}, ack deadline {found.ack_deadline_seconds} s"
        )
