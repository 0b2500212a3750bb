"""The same songs sliced by name, by date and by shard, and a DAG that runs once per slice that was made."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, PartitionedAssetTimetable, task

from airflow_media_provider.dag_factory import media_asset, media_dags

for by in ("named", "dated", "sharded", "commanded"):
    globals().update(media_dags("partitioned.yaml", overlay=by, partitioned=True))

# Not partitioned: its runs have no keys, but a slice can be asked for in the form.
globals().update(media_dags("partitioned.yaml", overlay="named", dag_id="unpartitioned"))
globals().update(media_dags("partitioned.yaml", overlay="listed"))

# One team's partitions wake the other's DAG, one run per key.
globals().update(media_dags("partitioned.yaml", overlay="teams", team="platform", partitioned=True))
globals().update(media_dags("partitioned.yaml", overlay="teams", team="a", on_parents=True, partitioned=True))

with DAG(
    "per_partition",
    schedule=PartitionedAssetTimetable(assets=media_asset("partitioned.yaml", "loudness", overlay="named")),
):

    @task
    def read(triggering_asset_events: Any = None, partition_key: str | None = None) -> dict[str, Any]:
        """Return the run's own key, and the extra of what woke it."""
        extras = [dict(event.extra) for events in triggering_asset_events.values() for event in events]
        return {"key": partition_key, "extras": extras}

    read()
