"""Why a stream ended by itself, and what to do about it."""

from __future__ import annotations

from airflow_media_provider.registry.model import Uploads
from airflow_media_provider.runners.launch import LaunchResult
from beam_jobs.contract.stream import StreamSpec


def why_ended(spec: StreamSpec, result: LaunchResult, uploads: Uploads | None) -> str:
    """Say how the process of a stream ended, and what to do.

    :param uploads: of the registry; they may name the topic of a subscription that is not there.
    """
    said = f"{spec.name} ended with code {result.exit_code}: {result.last_line}"
    if f"{spec.subscription}: 404 " not in result.last_line:
        return f"{said}; start it again, and it goes on with what Pub/Sub still has"
    if uploads is not None and uploads.topic is not None:
        return f"{said}; to make it: airflow media verify --subscription {spec.subscription} --create"
    return f"{said}; to make it: gcloud pubsub subscriptions create {spec.subscription} --topic=TOPIC"
