"""What wakes a media DAG: what its parents have made, and what was uploaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

from airflow_media_provider.compat import (
    Asset,
    asset_by_name,
    knows_partitions,
    makes_partition_keys,
    partitioned_assets,
    uploads_asset_of,
)
from airflow_media_provider.dag_factory.assets import job_asset
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.ours import ours
from beam_jobs.contract.address import Address, with_scheme


def outside_parents(graph: JobGraph, jobs: Iterable[str]) -> tuple[str, ...]:
    """Return the jobs that ``jobs`` need and that are none of them, parents first."""
    own = set(jobs)
    return graph.sort(parent for job in own for parent in graph.jobs[job].parents if parent not in own)


def wake_assets(
    graph: JobGraph,
    own: Iterable[str],
    *,
    on_parents: bool,
    on_uploads: bool,
    gcp_conn_id: str,
    impersonation_chain: str | Sequence[str] | None,
) -> list[Asset]:
    """Return the assets that concern ``own``.

    :param own: the jobs that the DAG is for.
    :raises ValueError: for uploads without a subscription in the registry.
    """
    assets = [job_asset(graph, job) for job in outside_parents(graph, own)] if on_parents else []
    if on_uploads:
        assets.append(uploads_asset(graph, gcp_conn_id, impersonation_chain))
    return assets


def wake_schedule(assets: list[Asset]) -> Any:
    """Return a schedule on any of the assets; None when nothing can wake the DAG."""
    if len(assets) > 1:
        return reduce(or_, assets)
    return assets or None


def partition_schedule(graph: JobGraph, schedule: Any = None) -> Any:
    """Return the schedule of a DAG whose runs have partition keys.

    :param schedule: assets that wake it, one run per key; a timetable that makes keys itself; or None for
        runs on request and by backfill.
    :raises ValueError: for a registry without partitions, or a schedule that knows no keys.
    """
    if graph.partitions is None:
        raise ValueError(
            f"registry {graph.name!r} has no partitions; add 'partitions: {{by: hash, count: 64}}'"
        )
    if not knows_partitions():
        raise ValueError(
            "runs of partitions need Airflow 3.3; leave out partitioned: a partition can be asked for in "
            "a run's form or conf"
        )
    if schedule is None:
        from airflow_media_provider.timetables import PartitionTimetable

        return PartitionTimetable(
            graph.partitions, source=Address.parse(graph.source, root=graph.root).prefix
        )
    if makes_partition_keys(schedule):
        return schedule
    wakes = reduce(and_, schedule) if isinstance(schedule, list) else schedule
    return partitioned_assets(wakes)


def uploads_asset(
    graph: JobGraph,
    gcp_conn_id: str = "google_cloud_default",
    impersonation_chain: str | Sequence[str] | None = None,
) -> Asset:
    """Return the asset that stands for the catalog's new files, watched on the registry's subscription."""
    from airflow_media_provider.triggers.uploads import MediaUploadTrigger

    uploads = graph.uploads
    if uploads is None:
        raise ValueError(
            f"registry {graph.name!r} names no uploads; add "
            "'uploads: {subscription: projects/PROJECT/subscriptions/SUBSCRIPTION}'"
        )
    trigger = MediaUploadTrigger(
        subscription=uploads.subscription,
        root=graph.root,
        source=graph.source,
        ours=ours(graph),
        jobs=graph.order,
        max_messages=uploads.max_messages,
        max_wait=uploads.max_wait_s,
        dead_letter_topic=uploads.dead_letter_topic,
        gcp_conn_id=gcp_conn_id,
        impersonation_chain=impersonation_chain,
    )
    name = f"media.{graph.name}.uploads"
    return uploads_asset_of(
        name=name,
        uri=f"{with_scheme(graph.root).rstrip('/')}/uploads",
        watcher=f"{name}.watcher",
        trigger=trigger,
    )


def as_inlet(asset: Asset) -> Any:
    """Return the asset as a task names it that only reads its events.

    Its name alone: Airflow would take a second asset of that name for the whole truth, and stop the watcher.
    """
    return asset_by_name(asset)
