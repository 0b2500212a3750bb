"""What a job's runner is told: the options that it needs, and servers that answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from airflow_media_provider.errors import LaunchError
from airflow_media_provider.registry.model import Job, JobGraph
from airflow_media_provider.runners import pipeline_options
from airflow_media_provider.runs.verify.finding import Finding, refused
from airflow_media_provider.runs.verify.peers import TIMEOUT_S
from beam_jobs.contract.address import local_path

IMAGES = ("sdk_container_image", "worker_harness_container_image")
PACKAGES = (*IMAGES, "setup_file", "requirements_file", "extra_package", "extra_packages")
SERVERS = ("job_endpoint", "artifact_endpoint", "flink_master")


def check_options(job: Job) -> Finding:
    """Tell whether the runner has all that it needs to start."""
    what = f"job {job.name}: runner {job.runner.name}"
    try:
        pipeline_options(job, "verify")
    except LaunchError as error:
        return Finding(what=what, state="missing", detail=str(error), fix="complete it in the registry")
    return Finding(what=what, state="ok")


def check_dataflow(graph: JobGraph, job: Job) -> Iterator[Finding]:
    """Yield what would let a job start and its workers fail."""
    what = f"job {job.name}: runner dataflow"
    for name, uri in (("root", graph.root), ("source", graph.source)):
        if local_path(uri) is not None:
            detail = f"{name} is {uri}, which its workers cannot see"
            yield Finding(what=what, state="wrong", detail=detail, fix=f"put the {name} on gs://")
    if not any(job.runner.options.get(option) for option in PACKAGES):
        yield Finding(
            what=what,
            state="missing",
            detail="workers get Beam's own image, which has neither this package nor the steps' own",
            fix="write sdk_container_image (or requirements_file) under runner.options",
        )
    region, project = (job.runner.options.get(name) for name in ("region", "project"))
    if region and project:
        yield Finding(
            what=f"Dataflow in {project}, {region}",
            state="not checked",
            detail=f"to see it: gcloud dataflow jobs list --project={project} --region={region} --limit=1",
        )


def images(job: Job) -> Iterator[tuple[str, str]]:
    """Yield the options of ``job`` that name an image, and the images."""
    for option in IMAGES:
        if value := job.runner.options.get(option):
            yield option, str(value)


def servers(job: Job) -> Iterator[tuple[str, str]]:
    """Yield the options of ``job`` that name a server, and the servers."""
    for option in SERVERS:
        value = job.runner.options.get(option)
        if value and not str(value).startswith("["):  # Beam's [local] and [auto] are no servers
            yield option, str(value)


def check_server(option: str, address: str) -> Finding:
    """Tell whether something listens at ``host:port``."""
    what = f"{option} {address}"
    host, _, port = (
        address.partition("://")[2].rpartition(":") if "://" in address else address.rpartition(":")
    )
    fix = f"start it, or correct {option} in the registry"
    if not host or not port.strip("/").isdigit():
        return Finding(what=what, state="wrong", detail="is not host:port", fix=f"write {option}: HOST:PORT")
    try:
        socket.create_connection((host, int(port.strip("/"))), TIMEOUT_S).close()
    except ConnectionError as error:
        return refused(what, error, fix=fix)
    except OSError as error:
        return Finding(what=what, state="unreachable", detail=str(error), fix=fix)
    return Finding(what=what, state="ok")
