"""A topic of Pub/Sub: there, and messages may be sent to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from airflow_media_provider.runs.verify.finding import Finding, refused
from airflow_media_provider.runs.verify.peers import TIMEOUT_S, Peers
from airflow_media_provider.storage.refusal import why_refused

NETWORK = "check the network, proxy and firewall, and PUBSUB_EMULATOR_HOST if it is set"
LETTERS = "3 to 255 letters, digits and - _ . ~ + %, a letter first"
NAME = f"correct the name in the registry: {LETTERS}"
PUBLISH = "pubsub.topics.publish"


def check_topic(what: str, topic: str, peers: Peers, *, create: bool) -> Iterator[Finding]:
    """Yield whether ``topic`` exists and takes messages; with ``create`` make it."""
    what = f"{what} {topic}"
    fix = grant("topics", topic, "roles/pubsub.publisher", peers)
    try:
        client = peers.publisher()
        there = exists(lambda: client.get_topic(topic=topic, timeout=TIMEOUT_S, retry=None))
        if not there and create:
            client.create_topic(name=topic, timeout=TIMEOUT_S, retry=None)
            yield Finding(what=what, state="created", detail=f"made {topic}")
    except Exception as error:
        yield refused(what, error, fix=fix, unreachable=NETWORK, wrong=NAME)
        return
    if there:
        yield Finding(what=what, state="ok")
    elif not create:
        yield Finding(
            what=what,
            state="missing",
            detail="there is no such topic",
            fix=f"airflow media verify --create, or: gcloud pubsub topics create {topic}",
        )
        return
    yield may(f"{what}: publish", client, topic, PUBLISH, fix)


def exists(get: Callable[[], Any]) -> bool:
    """Tell whether ``get`` finds something; who may use a thing may not be allowed to look at it."""
    try:
        get()
    except Exception as error:
        match why_refused(error):
            case "missing":
                return False
            case "denied":
                return True
        raise
    return True


def may(what: str, client: Any, resource: str, permission: str, fix: str) -> Finding:
    """Tell whether this account has a permission; emulators cannot say."""
    from google.api_core.exceptions import MethodNotImplemented

    request = {"resource": resource, "permissions": [permission]}
    try:
        granted = client.test_iam_permissions(request=request, timeout=TIMEOUT_S, retry=None).permissions
    except MethodNotImplemented:
        detail = "this server has no permissions to ask for"
        return Finding(what=what, state="not checked", detail=detail)
    except Exception as error:
        return refused(what, error, fix=fix, unreachable=NETWORK)
    if permission in granted:
        return Finding(what=what, state="ok")
    return Finding(what=what, state="denied", detail=f"this account lacks {permission}", fix=fix)


def grant(kind: str, resource: str, role: str, peers: Peers) -> str:
    """Return the command that gives this account a role on a topic or subscription."""
    return f"gcloud pubsub {kind} add-iam-policy-binding {resource} --member={peers.account()} --role={role}"
