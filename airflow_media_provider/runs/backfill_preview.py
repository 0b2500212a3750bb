"""What each slice of a backfill has to do now, in as few listings as can tell."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from airflow_media_provider.planning import Action, Reason
from airflow_media_provider.registry.partitions import shard_of
from airflow_media_provider.runs.backfill import Backfill, Slice
from airflow_media_provider.runs.partition import partition_keys
from airflow_media_provider.runs.plan import Plan, make_plan
from airflow_media_provider.storage import Stores

Groups = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One slice's plan in numbers.

    :param counts: job -> ``run``, ``present``, ``blocked``.
    :param items: how many have something to run.
    """

    counts: dict[str, dict[str, int]]
    items: int


def preview(backfill: Backfill, part: Slice, stores: Stores, *, leave_out: str | None = None) -> Preview:
    """Plan one slice."""
    plan = make_plan(backfill.graph, backfill.request(part, leave_out=leave_out), stores)
    busy = np.zeros(len(plan.selection.items), np.bool_)
    for job in plan.jobs:
        busy |= plan.cells.mask(job, Action.RUN)
    return Preview(counts=plan.counts(), items=int(busy.sum()))


def preview_shards(
    backfill: Backfill, slices: Sequence[Slice], stores: Stores, *, leave_out: str | None = None
) -> dict[str, Preview]:
    """Plan every shard at once: each would list all there is.

    :return: key -> preview, of the wanted shards.
    """
    partitions = backfill.graph.partitions
    whole = {name: value for name, value in slices[0].select.items() if name != "partition"}
    if partitions is None or not partitions.narrows:
        raise ValueError("these are no shards")
    select = whole or partitions.selection(slices[0].key)
    request = backfill.request(Slice(key="", select=select), leave_out=leave_out)
    plan = make_plan(backfill.graph, request, stores)
    keys = partition_keys(backfill.graph, stores)
    numbers = (shard_of(item, len(keys)) for item in plan.selection.items.to_pylist())
    groups = np.fromiter(numbers, np.int64, len(plan.selection.items))
    rejected = np.zeros(len(keys), np.int64)
    for row in plan.selection.rejected:
        rejected[shard_of(row.value, len(keys))] += 1
    found = _count(plan, groups, keys, rejected)
    return {part.key: found[part.key] for part in slices}


def preview_list(
    backfill: Backfill, items_uri: str, lists: Mapping[str, bytes], stores: Stores, *, leave_out: str | None
) -> dict[str, Preview]:
    """Plan every slice of a list at once.

    :param lists: key -> text of the slice's list file.
    """
    request = backfill.request(Slice(key="", select={"items_uri": items_uri}), leave_out=leave_out)
    plan = make_plan(backfill.graph, request, stores)
    slice_of = {item: number for number, text in enumerate(lists.values()) for item in _items(text)}
    numbers = (slice_of[item] for item in plan.selection.items.to_pylist())
    groups = np.fromiter(numbers, np.int64, len(plan.selection.items))
    return _count(plan, groups, list(lists), np.zeros(len(lists), np.int64))


def _items(text: bytes) -> Iterable[str]:
    return (json.loads(line)["item"] for line in text.splitlines())


def _count(plan: Plan, groups: Groups, keys: Sequence[str], rejected: Groups) -> dict[str, Preview]:
    def per_group(mask: NDArray[np.bool_]) -> list[int]:
        return list(map(int, np.bincount(groups[mask], minlength=len(keys))))

    busy = np.zeros(len(groups), np.bool_)
    counts: dict[str, dict[str, list[int]]] = {}
    for job in plan.jobs:
        run = plan.cells.mask(job, Action.RUN)
        busy |= run
        blocked = np.asarray(per_group(plan.cells.mask(job, Action.BLOCKED))) + rejected
        counts[job] = {
            "run": per_group(run),
            "present": per_group(plan.cells.mask(job, Action.SKIP, Reason.PRESENT)),
            "blocked": list(map(int, blocked)),
        }
    items = per_group(busy)
    return {
        key: Preview(
            counts={job: {name: row[index] for name, row in rows.items()} for job, rows in counts.items()},
            items=items[index],
        )
        for index, key in enumerate(keys)
    }
