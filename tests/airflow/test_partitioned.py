"""Partitions in Airflow: the timetable, the DAGs that have it, and the plan of a run with a key."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from airflow_media_provider.dag_factory import media_dags

REGISTRY = """
version: 1
name: sliced
root: {folder}/artifacts
source: {{uri: "{folder}/songs/{{item}}.ogg"}}
jobs:
  downsample: {{step: downsample, needs: [source], team: platform}}
  energy: {{step: energy, needs: [downsample], team: a}}
"""

JANUARY = {"earliest": datetime(2026, 1, 2, tzinfo=UTC), "latest": datetime(2026, 1, 4, tzinfo=UTC)}


@pytest.fixture
def sliced(tmp_path: Path):
    """Write a registry with these partitions and return its path."""

    def sliced(partitions: str = "") -> str:
        text = REGISTRY.format(folder=tmp_path) + (f"partitions: {partitions}\n" if partitions else "")
        (tmp_path / "sliced.yaml").write_text(text)
        return str(tmp_path / "sliced.yaml")

    return sliced


def stored(dag):
    """Return a DAG as the scheduler and the command line have it: through the database's JSON."""
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


@pytest.mark.airflow
class TestABackfill:
    def runs(self, registry, **dates):
        dag = stored(media_dags(registry, partitioned=True)["sliced"])
        return dag, list(dag.timetable.iter_partition_dagrun_infos(**(dates or JANUARY)))

    def test_over_dates_has_the_partitions_between_them(self, sliced):
        _, runs = self.runs(sliced("{by: date, start: 2026-01-03}"))
        assert [run.partition_key for run in runs] == ["2026-01-03", "2026-01-04"]
        assert [str(run.partition_date.date()) for run in runs] == ["2026-01-03", "2026-01-04"]

    def test_over_names_has_every_one_with_a_date_of_its_own(self, sliced):
        _, runs = self.runs(sliced("{by: hash, count: 100}"))
        assert [run.partition_key for run in runs][::99] == ["shard-000", "shard-099"]
        # Airflow knows a partition by its date: two with the same date would be one.
        assert len({run.partition_date for run in runs}) == 100
        assert {str(run.partition_date.date()) for run in runs} == {"2026-01-02"}
        assert {run.run_after for run in runs} == {JANUARY["earliest"]}

    def test_again_has_the_same_dates_also_when_names_were_added(self, sliced):
        _, before = self.runs(sliced("{by: prefix, keys: [b, c]}"))
        _, after = self.runs(sliced("{by: prefix, keys: [a, b, c]}"))
        dates = {run.partition_key: run.partition_date for run in after}
        assert {run.partition_key: run.partition_date for run in before}.items() <= dates.items()

    def test_takes_the_folders_that_are_there_when_it_is_made(self, sliced, tmp_path):
        dag, runs = self.runs(sliced("{by: prefix}"))
        assert runs == []
        for name in ("jazz", "rock"):
            (tmp_path / "songs" / name).mkdir(parents=True)
        assert [run.partition_key for run in dag.timetable.iter_partition_dagrun_infos(**JANUARY)] == [
            "jazz", "rock",
        ]  # fmt: skip

    def test_has_run_ids_that_airflow_takes_and_that_name_the_key(self, sliced):
        from airflow.models.dagrun import RUN_ID_REGEX
        from airflow.utils.types import DagRunType

        dag, (run,) = self.runs(sliced("{by: prefix, keys: ['R&B / Söul']}"))
        made = dag.timetable.generate_run_id(
            run_type=DagRunType.BACKFILL_JOB, run_after=run.run_after, data_interval=None,
            partition_key=run.partition_key,
        )  # fmt: skip
        assert made.startswith("backfill__2026-01-02T00:00:00+00:00__R-B-S-ul-")
        assert re.fullmatch(r"[A-Za-z0-9_.~:+-]+", made)
        assert re.match(RUN_ID_REGEX, made) or re.match(r"^[A-Za-z0-9_.~:+-]+$", made)

    def test_never_comes_by_itself(self, sliced):
        from airflow.timetables.base import TimeRestriction

        dag, _ = self.runs(sliced("{by: hash, count: 2}"))
        assert not dag.timetable.can_be_scheduled
        anytime = TimeRestriction(earliest=JANUARY["earliest"], latest=None, catchup=True)
        assert dag.timetable.next_dagrun_info(last_automated_data_interval=None, restriction=anytime) is None

    def test_of_a_date_knows_the_date_of_a_key(self, sliced):
        dag, _ = self.runs(sliced("{by: date, start: 2026-01-01, step: month}"))
        assert dag.timetable.resolve_partition_date("2026-02") == datetime(2026, 2, 1, tzinfo=UTC)
        assert dag.timetable.resolve_partition_date("2026-02-01") is None


@pytest.mark.airflow
class TestADag:
    def test_without_partitioned_runs_as_before_and_its_form_asks_for_a_partition(self, sliced):
        dag = media_dags(sliced("{by: hash, count: 2}"))["sliced"]
        assert not getattr(dag.timetable, "partitioned", False)
        assert dag.params.get_param("partition").schema["examples"] == ["shard-000", "shard-001"]
        assert "partition" not in media_dags(sliced())["sliced"].params

    def test_of_a_registry_without_partitions_cannot_be_partitioned(self, sliced):
        with pytest.raises(ValueError, match="'sliced' has no partitions; add"):
            media_dags(sliced(), partitioned=True)

    def test_on_parents_is_woken_once_per_key(self, sliced):
        registry = sliced("{by: hash, count: 2}")
        dag = media_dags(registry, team="a", on_parents=True, partitioned=True)["sliced.a"]
        timetable = stored(dag).timetable
        assert timetable.partitioned
        assert [asset.name for _, asset in timetable.asset_condition.iter_assets()] == [
            "media.sliced.downsample"
        ]

    def test_takes_a_schedule_that_makes_keys_and_no_other(self, sliced):
        from airflow.sdk import CronPartitionTimetable

        registry = sliced("{by: date, start: 2026-01-01}")
        nightly = CronPartitionTimetable("0 3 * * *", timezone="UTC", run_offset=-1, key_format="%Y-%m-%d")
        dag = stored(media_dags(registry, partitioned=True, schedule=nightly)["sliced"])
        info = next(iter(dag.timetable.iter_partition_dagrun_infos(**JANUARY)))
        assert info.partition_key in {"2026-01-02", "2026-01-03"}
        with pytest.raises(ValueError, match="'@daily' makes no partition keys"):
            media_dags(registry, partitioned=True, schedule="@daily")


class TestTheRequestOfARun:
    """Which of the DAG's selection, the form's and the run's key is meant."""

    @pytest.mark.parametrize(
        ("own", "form", "key", "by", "expected"),
        [
            ({"prefix": "new/"}, {}, "rock", "prefix", {"partition": "rock"}),
            ({"prefix": "new/"}, {"partition": "jazz"}, "rock", "prefix", {"partition": "jazz"}),
            ({}, {"items": ["a"]}, "rock", "prefix", {"items": ["a"]}),
            ({}, {"prefix": "x"}, "shard-000", "hash", {"prefix": "x", "partition": "shard-000"}),
            ({"items_uri": "l"}, {}, "shard-000", "hash", {"items_uri": "l", "partition": "shard-000"}),
            ({"prefix": "new/"}, {}, None, "prefix", {"prefix": "new/"}),
            ({"prefix": "{{ partition_key }}/"}, {}, "rock", None, {"prefix": "{{ partition_key }}/"}),
        ],
        ids=["key over own", "form over key", "form's items", "shard of a form's", "shard of its own",
             "no key", "no partitions"],
    )  # fmt: skip
    def test_is_the_nearest_to_who_asks(self, own, form, key, by, expected):
        from airflow_media_provider.operators.request import add_partition, merge_request
        from airflow_media_provider.registry.partitions import Partitions

        partitions = None if by is None else Partitions(by=by, count=2)
        assert add_partition(merge_request(own, form, {}), form, key, partitions) == expected

    def test_leaves_a_key_alone_that_a_hand_written_dag_has_for_its_own_ends(self, sliced):
        from airflow_media_provider.operators.media import MediaPlanOperator
        from airflow_media_provider.registry.load import load_registry

        graph = load_registry(sliced("{by: date, start: 2026-01-01}"))
        own = {"prefix": "x/"}
        context = {"partition_key": "2026-01-02T00:00:00", "params": {}}
        made = {
            use: MediaPlanOperator(task_id="plan", registry="r", prefix="x/", use_partition_key=use)
            for use in (False, True)
        }
        assert made[False]._sliced(own, context, graph) == own
        assert made[True]._sliced(own, context, graph) == {"partition": "2026-01-02T00:00:00"}
