"""Jobs that are done together: one spec and one manifest for the worker, a report for each."""

from __future__ import annotations

import heapq
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter

import pyarrow as pa

from airflow_media_provider.errors import ObjectNotFound, PlanError
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.look import JobManifest, look_again
from airflow_media_provider.runs.spec import build_spec, write_spec
from airflow_media_provider.runs.stored import StoredPlan
from airflow_media_provider.storage import Stores
from beam_jobs.contract.fused import FusedSpec, encode_fused_row
from beam_jobs.contract.manifest import ManifestRow, decode_row
from beam_jobs.contract.stream import LineJob

SPOOL_BYTES = 16 << 20


def look_at_group(
    plan: StoredPlan, jobs: Sequence[str], stores: Stores, *, first: JobManifest | None = None
) -> list[JobManifest]:
    """Narrow the manifests of jobs that are done together: what one of them is about to make counts as there.

    :param jobs: parents first.
    :param first: of the first job, when it has been looked at.
    """
    manifests: list[JobManifest] = []
    making: dict[str, pa.LargeStringArray] = {}
    for job in jobs:
        if first is not None and job == first.job:
            manifest = first
        else:
            manifest = look_again(plan, job, stores, fused=making)
        items = (row.item for row in _rows(manifest.uri, stores))
        making[job] = pa.array(items, pa.large_string())
        manifests.append(manifest)
    return manifests


def write_group(plan: StoredPlan, busy: Sequence[JobManifest], stores: Stores, *, leader: str) -> str:
    """Write what a worker needs to do some jobs together, or one alone, and return its URI.

    :param busy: of jobs that have something to do.
    :param leader: the job in whose folder it is written.
    :raises PlanError: when a job cannot be done with others.
    """
    given = plan.layout.job(leader).given
    stores.for_uri(given).write(given, json.dumps([asdict(manifest) for manifest in busy]).encode())
    if len(busy) == 1:
        return write_spec(plan, busy[0], stores)
    _check(plan, [manifest.job for manifest in busy])
    layout = plan.layout.job(leader)
    total = _write_manifest(layout.fused_manifest, busy, stores)
    among = {manifest.job for manifest in busy}
    line = []
    for manifest in busy:
        write_spec(plan, manifest, stores)  # for who looks for it where it always is
        parents = tuple(name for name in plan.graph.jobs[manifest.job].parents if name in among)
        line.append(LineJob(spec=build_spec(plan, manifest), parents=parents))
    spec = FusedSpec(name=leader, line=tuple(line), manifest=layout.fused_manifest, total=total)
    stores.for_uri(layout.fused).write(layout.fused, spec.model_dump_json(indent=1).encode())
    return layout.fused


def hand_over(plan: StoredPlan, given: Sequence[JobManifest], stores: Stores) -> None:
    """Leave, for the tasks of other jobs, what these were given to do: their reports are there now."""
    for manifest in given:
        uri = plan.layout.job(manifest.job).follow
        stores.for_uri(uri).write(uri, json.dumps(asdict(manifest)).encode())


def read_given(plan: StoredPlan, leader: str, stores: Stores) -> list[JobManifest]:
    """Return what the worker of a group was given: since then a new look may have found some of it done."""
    uri = plan.layout.job(leader).given
    return [JobManifest(**entry) for entry in json.loads(stores.for_uri(uri).read(uri))]


def followed(plan: StoredPlan, job: str, stores: Stores) -> JobManifest | None:
    """Return what ``job`` was given to do by the job that led its group; None when there is nothing."""
    uri = plan.layout.job(job).follow
    try:
        return JobManifest(**json.loads(stores.for_uri(uri).read(uri)))
    except ObjectNotFound:
        return None


def take_over(plan: StoredPlan, job: str, stores: Stores) -> JobManifest | None:
    """Return what :func:`followed` does, once: a task that is tried again looks at storage as every other."""
    manifest = followed(plan, job, stores)
    if manifest is not None:
        uri = plan.layout.job(job).follow
        stores.for_uri(uri).delete(uri)
    return manifest


def _check(plan: StoredPlan, jobs: Sequence[str]) -> None:
    for job in jobs:
        made = recipe(plan.graph, job)
        if what := made.step.by_beam:
            raise PlanError(f"job {job!r}: a step that {what} cannot be fused; take it out of its group")
        if made.level is not None:
            raise PlanError(
                f"job {job!r} works on the children that {made.level!r} makes and cannot be fused; "
                "take it out of its group"
            )


def _write_manifest(uri: str, manifests: Sequence[JobManifest], stores: Stores) -> int:
    """Merge sorted manifests into one with a line per item."""
    total = 0
    named = [_named(number, manifest, stores) for number, manifest in enumerate(manifests)]
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as file:
        for item, group in groupby(heapq.merge(*named, key=itemgetter(0, 1)), key=itemgetter(0)):
            rows = {manifests[number].job: row for _, number, row in group}
            file.write(f"{encode_fused_row(item, rows)}\n".encode())
            total += 1
        file.seek(0)
        stores.for_uri(uri).write(uri, file)  # type: ignore[arg-type]
    return total


def _named(number: int, manifest: JobManifest, stores: Stores) -> Iterator[tuple[str, int, ManifestRow]]:
    return ((row.item, number, row) for row in _rows(manifest.uri, stores))


def _rows(uri: str, stores: Stores) -> Iterator[ManifestRow]:
    with stores.for_uri(uri).open(uri) as file:
        for line in file:
            yield decode_row(line.decode())
