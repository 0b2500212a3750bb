"""What a job has made in a run: the items that the jobs after it, and listeners elsewhere, are told of."""

from __future__ import annotations

import hashlib
import heapq
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pyarrow as pa

from airflow_media_provider.registry.recipe import Recipe, recipe
from airflow_media_provider.runs.children import child_ids, child_keys, find_keys, root_of
from airflow_media_provider.runs.look import JobManifest
from airflow_media_provider.runs.rows import report_rows
from airflow_media_provider.runs.stored import StoredPlan
from airflow_media_provider.storage import Stores
from beam_jobs.contract.json_lines import encode_strings
from beam_jobs.contract.manifest import decode_row
from beam_jobs.contract.message import CompletionMessage
from beam_jobs.contract.report import Status

SPOOL_BYTES = 16 << 20
AT_ONCE = 10_000

_MADE = (Status.DONE, Status.PRESENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A list file of items.

    :param uri: JSON Lines, sorted.
    """

    uri: str
    items: int


def write_made(plan: StoredPlan, manifest: JobManifest, stores: Stores, *, also: Iterable[str] = ()) -> Made:
    """Write the items that the plan wanted done and that are there now.

    What an earlier, broken attempt of this run has made is among them, so that nobody who waits for it
    waits for ever; and so is what another run made meanwhile.

    :param also: list files of earlier runs that nobody was told of.
    """
    count, digest = 0, hashlib.sha256()
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as file:
        lists = [_items(plan, manifest, stores), *(_read(uri, stores) for uri in also)]
        for items in _in_parts(item for item, _ in groupby(heapq.merge(*lists))):
            lines = encode_strings(items, before='{"item":', after="}").encode()
            file.write(lines)
            digest.update(lines)
            count += len(items)
        file.seek(0)
        uri = plan.layout.job(manifest.job).made(digest.hexdigest()[:16])
        stores.for_uri(uri).write(uri, file)  # type: ignore[arg-type]
    return Made(uri=uri, items=count)


def completions(plan: StoredPlan, job: str, made: Made, stores: Stores) -> Iterator[CompletionMessage]:
    """Yield a message for each item that ``made`` lists; of a job over children, for each of its children."""
    known = recipe(plan.graph, job)
    items = _read(made.uri, stores)
    if known.level is not None:
        items = (child for part in _in_parts(items) for child in _children(known, part, stores))
    for item in items:
        yield CompletionMessage(
            item=item, job=job, artifact=known.address.of(item), run_id=plan.run_id,
            fingerprint=known.fingerprint, registry=plan.graph.name,
        )  # fmt: skip


def _items(plan: StoredPlan, manifest: JobManifest, stores: Stores) -> Iterator[str]:
    layout = plan.layout.job(manifest.job)
    rows = report_rows(layout, stores, worker=bool(manifest.run))
    lost = {row.item for row in rows if row.status not in _MADE}
    if recipe(plan.graph, manifest.job).level is not None:
        lost |= {root_of(item) for item in lost}  # an item is made when all of its children are
    return (item for item in _read(layout.planned, stores) if item not in lost)


def _children(made: Recipe, items: list[str], stores: Stores) -> Iterator[str]:
    """Yield the children of sorted ``items`` that have an artifact; one of an older split is none."""
    roots = pa.array(items, pa.large_string())
    there = child_keys(made.address, roots, stores.for_uri(made.address.prefix))
    _, keys = find_keys(made.parent(str(made.level)), roots, stores)
    yield from child_ids(keys[np.isin(keys, there)], roots).to_pylist()


def _read(uri: str, stores: Stores) -> Iterator[str]:
    with stores.for_uri(uri).open(uri) as file:
        for line in file:
            yield decode_row(line.decode()).item


def _in_parts(items: Iterator[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for item in items:
        part.append(item)
        if len(part) == AT_ONCE:
            yield part
            part = []
    if part:
        yield part
