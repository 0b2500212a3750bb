"""A backfill: slices of the catalog, each with one DAG run of a name that follows from what is asked.

The same command finds the same runs again, so it goes on where it was; a job whose step or params have
changed is another backfill.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from airflow_media_provider.errors import PlanError
from airflow_media_provider.planning import reached_jobs
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.partitions import parse_range, run_name
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.registry.snapshot import dump_partitions
from airflow_media_provider.runs.layout import RUNS_FOLDER, RunLayout
from airflow_media_provider.runs.partition import partition_keys, partitions_of
from airflow_media_provider.runs.request import PlanRequest, parse_request
from airflow_media_provider.storage import Stores

ORDERS = ("registry", "name", "newest", "oldest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One DAG run's part of a backfill.

    :param key: of the partition, or made up for a part of a list.
    :param select: what the run's request says to select it.
    """

    key: str
    select: dict[str, str]

    @property
    def partition(self) -> str | None:
        """The key of the registry's partition; None for a part of a list."""
        return self.select.get("partition")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """What is asked of every slice, and where that is kept.

    :param dag_id: whose runs do it.
    :param targets: jobs, parents first.
    :param identity: follows from all that the slices have in common.
    """

    graph: JobGraph
    dag_id: str
    targets: tuple[str, ...]
    mode: str
    identity: str

    @property
    def run_prefix(self) -> str:
        """What the ids of its runs begin with."""
        return f"media_backfill__{self.identity}__"

    def run_id(self, key: str) -> str:
        """Return the id of a slice's run."""
        return f"{self.run_prefix}{run_name(key)}"

    def layout(self, run_id: str) -> RunLayout:
        """Return where a run keeps what it says."""
        return RunLayout.of(self.graph.root, f"{self.dag_id}.plan.{run_id}")

    @property
    def folder(self) -> str:
        """Where the backfill keeps its lists, without a slash at its end."""
        return f"{self.graph.root.rstrip('/')}/{RUNS_FOLDER}/media_backfill__{self.identity}"

    @property
    def left_out(self) -> str:
        """File of the cells that failed before."""
        return f"{self.folder}/failed.jsonl"

    def request(self, part: Slice, *, leave_out: str | None = None) -> PlanRequest:
        """Return what a slice's run is asked."""
        said = {"targets": self.targets, "mode": self.mode, "leave_out": leave_out}
        return parse_request({**said, **part.select})

    def conf(self, part: Slice) -> dict[str, Any]:
        """Return what a slice's run gets instead of a filled-in form."""
        said = {"targets": list(self.targets), "mode": self.mode, "leave_out": self.left_out}
        return {**said, **part.select}


def open_backfill(
    graph: JobGraph, *, dag_id: str, targets: Sequence[str], mode: str, items_uri: str | None
) -> Backfill:
    """Return the backfill of what is asked; raises PlanError for a job that is not there.

    :param items_uri: the list that is sliced, if one is; its content is no part of the identity.
    """
    asked = PlanRequest.model_validate(
        {"items": ("x",), "targets": tuple(graph.job(name).name for name in targets), "mode": mode}
    )
    query = asked.query(graph)
    same = {
        "registry": [graph.name, graph.root, graph.source],
        "dag": dag_id,
        "mode": mode,
        "targets": sorted(query.targets),
        "jobs": {job: recipe(graph, job).fingerprint for job in reached_jobs(graph, query)},
        "list": items_uri,
        "partitions": None if graph.partitions is None else _shape(graph),
    }
    text = json.dumps(same, sort_keys=True).encode()
    return Backfill(
        graph=graph,
        dag_id=dag_id,
        targets=query.targets,  # also when none were named: a DAG may have others for runs that say nothing
        mode=mode,
        identity=blake2b(text, digest_size=4).hexdigest(),
    )


def _shape(graph: JobGraph) -> dict[str, Any]:
    """Return what makes a key's slice what it is; which other keys there are does not."""
    shape = dump_partitions(partitions_of(graph))
    return {name: value for name, value in shape.items() if name not in ("keys", "keys_uri", "start")}


def partition_slices(
    graph: JobGraph, wanted: str, stores: Stores, *, order: str, items_uri: str | None = None
) -> list[Slice]:
    """Return the slices of the partitions that ``wanted`` names.

    :param wanted: ``a..f``, ``a,b``, ``all``; see :func:`parse_range`.
    :param items_uri: a list of which each shard takes its part.
    :raises PlanError: for a partition that is not there, or an order that the keys do not have.
    """
    partitions = partitions_of(graph)
    if items_uri is not None and not partitions.narrows:
        raise PlanError(
            f"partitions by {partitions.by} say themselves what is in them; give --partitions or --items-uri"
        )
    if order in ("newest", "oldest") and not partitions.dated:
        raise PlanError(f"partitions by {partitions.by} have no date; order them by name or registry")
    keys = list(parse_range(wanted, partition_keys(graph, stores)))
    if order == "name":
        keys.sort()
    elif order == "newest":
        keys.reverse()
    more = {} if items_uri is None else {"items_uri": items_uri}
    return [Slice(key=key, select={"partition": key, **more}) for key in keys]


def total(counts: Iterable[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    """Add up counts per job."""
    sums: dict[str, dict[str, int]] = {}
    for jobs in counts:
        for job, numbers in jobs.items():
            mine = sums.setdefault(job, dict.fromkeys(numbers, 0))
            for name, number in numbers.items():
                mine[name] += number
    return sums
