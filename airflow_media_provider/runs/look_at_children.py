"""The second look for a job over children: the plan names items, the manifest names their children."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_media_provider.planning import JobCells
from airflow_media_provider.registry.model import SOURCE
from airflow_media_provider.registry.recipe import Recipe
from airflow_media_provider.runs.children import Rows, among_children, child_ids, child_keys, find_keys
from airflow_media_provider.runs.inventory import take_inventory
from airflow_media_provider.runs.left import Blocked, Left
from airflow_media_provider.runs.stored import StoredPlan
from airflow_media_provider.storage import Stores
from beam_jobs.contract.item import MAX_CHILDREN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]


def narrow_to_children(
    plan: StoredPlan, made: Recipe, todo: JobCells, stores: Stores, *, coming: frozenset[str]
) -> Left:
    """Return the children that lack their artifact and have their inputs.

    Items that are only traced stay as they are: nobody knows their children.

    :param todo: what the plan wants done, by item.
    :param coming: jobs whose artifacts need not be there yet.
    """
    assert made.level is not None  # noqa: S101 - only jobs over children come here
    pings, todo = todo.take(todo.ping), todo.take(~todo.ping)
    is_split, keys = find_keys(made.parent(made.level), todo.items, stores)
    keys = keys[is_split[keys // MAX_CHILDREN]]  # without an index a split broke off, or goes on
    made_by_now = _made(plan, made, todo, keys, stores)
    present = int(made_by_now.sum())
    keys = keys[~made_by_now]
    source_there, ready = _ready(plan, made, todo.items, keys, stores, coming)
    todo_keys, lacking = keys[ready], keys[~ready]
    unsplit = todo.items.filter(pa.array(~is_split))
    blocked = (
        Blocked(
            graph=plan.graph, job=made.job.name, items=unsplit, parents=(made.level,),
            source_there=np.ones(len(unsplit), np.bool_),
        ),
        Blocked(
            graph=plan.graph, job=made.job.name, items=child_ids(lacking, todo.items),
            parents=made.job.parents, source_there=source_there[lacking // MAX_CHILDREN],
        ),
    )  # fmt: skip
    items = child_ids(todo_keys, todo.items)
    forced = todo.forced[todo_keys // MAX_CHILDREN]
    return _sorted(items, forced, pings, present=present, blocked=blocked)


def _sorted(
    items: pa.LargeStringArray,
    forced: BoolArray,
    pings: JobCells,
    *,
    present: int,
    blocked: tuple[Blocked, ...],
) -> Left:
    """Put children and traced items into the order of a manifest, which is not that of their parents."""
    items = pa.chunked_array([items, pings.items], pa.large_string()).combine_chunks()
    order = pc.sort_indices(items)
    places = order.to_numpy()
    ping = np.arange(len(items)) >= len(forced)
    forced = np.concatenate([forced, pings.forced])
    return Left(
        items=items.take(order), forced=forced[places], ping=ping[places], present=present, blocked=blocked
    )


def _made(plan: StoredPlan, made: Recipe, todo: JobCells, keys: Rows, stores: Stores) -> BoolArray:
    """Tell which children have their artifact: of a forced item, one that this run has made."""
    store = stores.for_uri(made.address.prefix)
    there: BoolArray = np.isin(keys, child_keys(made.address, todo.items, store))
    forced = todo.forced
    if forced.any() and there.any():
        young = _young(plan, made, todo.take(forced), stores)
        rows = np.flatnonzero(forced)
        again = rows[young // MAX_CHILDREN] * MAX_CHILDREN + young % MAX_CHILDREN
        there &= ~forced[keys // MAX_CHILDREN] | np.isin(keys, again)
    return there


def _young(plan: StoredPlan, made: Recipe, todo: JobCells, stores: Stores) -> Rows:
    """Return the keys of children whose artifacts are younger than the plan."""
    planned_at, prefix = plan.planned_at.timestamp(), made.address.prefix
    found = [np.zeros(0, np.int64)]
    for batch in stores.for_uri(prefix).list_objects(prefix):
        young = pa.array([info.uri for info in batch if info.updated >= planned_at], pa.large_string())
        rows, numbers = among_children(young, made.address, todo.items)
        found.append(rows * MAX_CHILDREN + numbers)
    return np.concatenate(found)


def _ready(
    plan: StoredPlan,
    made: Recipe,
    items: pa.LargeStringArray,
    keys: Rows,
    stores: Stores,
    coming: frozenset[str],
) -> tuple[BoolArray, BoolArray]:
    """Tell per item whether its source is there if that is read, and per child whether all inputs are."""
    of_parent = {made.inputs[name] for name in made.of_parent}
    jobs = of_parent - {SOURCE} - coming
    inventory = take_inventory(plan.graph, jobs, items, stores, source=SOURCE in of_parent, stale=False)
    both = inventory.source.copy()
    for there in inventory.present.values():
        both &= there
    ready: BoolArray = both[keys // MAX_CHILDREN]
    for name, need in made.inputs.items():
        if name in made.of_parent or need in coming or made.takes_children(name):
            continue
        address = made.input_addresses[name]
        ready &= np.isin(keys, child_keys(address, items, stores.for_uri(address.prefix)))
    return inventory.source, ready
