"""A bucket of Google Cloud Storage: there, and its objects may be listed."""

from __future__ import annotations

from typing import Any

from airflow_media_provider.runs.verify.finding import Finding, refused
from airflow_media_provider.runs.verify.peers import TIMEOUT_S, Peers
from airflow_media_provider.runs.verify.places import Place
from airflow_media_provider.storage.refusal import why_refused

LOGIN = "give the connection google_cloud_default credentials, or run: gcloud auth application-default login"
NETWORK = "check the network, proxy and firewall, and STORAGE_EMULATOR_HOST if it is set"


def bucket_of(uri: str) -> str | None:
    """Return the bucket of a ``gs://`` URI; None for another."""
    scheme, _, rest = uri.partition("://")
    return rest.partition("/")[0] if scheme == "gs" else None


def check_bucket(
    place: Place, bucket: str, peers: Peers, *, create: bool, location: str | None
) -> tuple[Finding, bool]:
    """Tell whether the bucket of ``place`` exists; with ``create`` make it.

    Objects are listed instead of asking for the bucket: those who may use one may seldom see its settings.

    :return: the finding, and whether there is a bucket to try other things with.
    """
    what = f"{place.what} gs://{bucket}: list objects"
    try:
        client = peers.storage()
        reach(client)
    except Exception as error:
        return refused(what, error, fix=LOGIN, unreachable=NETWORK), False
    try:
        _list(client, bucket)
    except Exception as error:
        state = why_refused(error)
        if state != "missing":
            fix = grant(place, bucket, peers)
            return refused(what, error, fix=fix, unreachable=NETWORK), state == "denied"
    else:
        return Finding(what=what, state="ok"), True
    where = f" --location={location}" if location else ""
    command = f"gcloud storage buckets create gs://{bucket}{where}"
    if not create:
        fix = f"airflow media verify --create, or: {command}"
        return Finding(what=what, state="missing", detail="there is no such bucket", fix=fix), False
    try:
        client.create_bucket(bucket, location=location, timeout=TIMEOUT_S)
        _list(client, bucket)
    except Exception as error:
        what = f"{place.what} gs://{bucket}: create the bucket"
        return refused(what, error, fix=f"as an owner of the project: {command}"), False
    return Finding(what=what, state="created", detail=f"made gs://{bucket}"), True


def grant(place: Place, bucket: str, peers: Peers) -> str:
    """Return the command that lets this account do what ``place`` is for."""
    role = "roles/storage.objectUser" if place.write else "roles/storage.objectViewer"
    binding = f"--member={peers.account()} --role={role}"
    return f"gcloud storage buckets add-iam-policy-binding gs://{bucket} {binding}"


def reach(client: Any) -> None:
    """Ask the service for any answer at all: the client itself would go on trying for two minutes."""
    import requests

    requests.get(f"{client.api_endpoint}/storage/v1/", timeout=TIMEOUT_S)


def _list(client: Any, bucket: str) -> None:
    next(client.list_blobs(bucket, max_results=1, timeout=TIMEOUT_S, retry=None).pages, None)
