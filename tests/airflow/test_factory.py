"""The shape of what a registry becomes: DAGs, task groups, the form, assets."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import ParamValidationError

from airflow_media_provider.dag_factory import MediaTaskGroup, media_asset, media_dags
from airflow_media_provider.errors import PlanError, RegistryError

pytestmark = pytest.mark.airflow

REGISTRY = """
version: 1
name: songs
root: {root}
source: {{uri: "/songs/{{item}}.ogg"}}
jobs:
  downsample: {{step: downsample, needs: [source], team: platform}}
  beat_tracking: {{step: beat_tracking, needs: [downsample], team: a}}
  energy: {{step: energy, needs: [downsample, beat_tracking], team: a}}
  speech: {{step: "nowhere.to_be:found", needs: [downsample], team: b}}
"""


@pytest.fixture
def registry(tmp_path: Path) -> str:
    """A registry whose steps this process cannot all import: a DAG file does not need them."""
    path = tmp_path / "songs.yaml"
    path.write_text(REGISTRY.format(root="/data/artifacts"))
    return str(path)


def edges(dag: DAG) -> dict[str, set[str]]:
    return {task.task_id: set(task.upstream_task_ids) for task in dag.tasks}


def test_a_registry_becomes_one_dag_with_two_tasks_per_job(registry):
    (dag,) = media_dags(registry).values()
    assert dag.dag_id == "songs"
    assert edges(dag) == {
        "plan": set(),
        "downsample.outputs": {"plan"},
        "downsample.run": {"downsample.outputs"},
        "beat_tracking.outputs": {"plan", "downsample.run"},
        "beat_tracking.run": {"beat_tracking.outputs"},
        "energy.outputs": {"plan", "downsample.run", "beat_tracking.run"},
        "energy.run": {"energy.outputs"},
        "speech.outputs": {"plan", "downsample.run"},
        "speech.run": {"speech.outputs"},
        "summary": {"downsample.run", "beat_tracking.run", "energy.run", "speech.run"},
    }


def test_per_target_each_job_gets_its_ancestors_and_never_its_siblings(registry):
    made = media_dags(registry, per="target", dag_id="t")
    jobs = {
        name: {task.split(".")[0] for task in edges(dag)} - {"plan", "summary"} for name, dag in made.items()
    }
    assert jobs == {
        "t.downsample": {"downsample"},
        "t.beat_tracking": {"downsample", "beat_tracking"},
        "t.energy": {"downsample", "beat_tracking", "energy"},
        "t.speech": {"downsample", "speech"},
    }


def test_per_team_each_team_gets_its_jobs_and_what_they_need(registry):
    made = media_dags(registry, per="team")
    jobs = {
        name: {task.split(".")[0] for task in edges(dag)} - {"plan", "summary"} for name, dag in made.items()
    }
    assert jobs == {
        "songs.platform": {"downsample"},
        "songs.a": {"downsample", "beat_tracking", "energy"},
        "songs.b": {"downsample", "speech"},
    }
    assert made["songs.a"].params["targets"] == ["beat_tracking", "energy"]


def test_per_something_else_is_an_error(registry):
    with pytest.raises(ValueError, match="per='job'"):
        media_dags(registry, per="job")


def test_further_arguments_are_those_of_the_dag_and_of_its_jobs(registry):
    (dag,) = media_dags(
        registry, schedule="@daily", max_active_runs=3, tags=["mine"], run_args={"retries": 4, "pool": "beam"}
    ).values()
    assert (dag.max_active_runs, dag.tags) == (3, {"mine"})
    assert {(t.retries, t.pool) for t in dag.tasks if t.task_id.endswith(".run")} == {(4, "beam")}
    assert dag.get_task("plan").pool != "beam"


def test_a_faulty_registry_stops_the_dag_file_with_every_fault(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(
        "version: 1\nroot: /r\nsource: {uri: '/s/{item}'}\njobs:\n  a: {stp: x}\n  b: {step: x, needs: [c]}\n"
    )
    with pytest.raises(RegistryError) as error:
        media_dags(str(path))
    assert [fault.line for fault in error.value.faults] == [5, 5, 5, 6]


def test_a_relative_registry_starts_at_the_file_that_names_it(tmp_path, monkeypatch, registry):
    (tmp_path / "dag_file.py").write_text(
        "from airflow_media_provider.dag_factory import MediaTaskGroup, media_asset, media_dags\n"
        "from airflow.sdk import DAG\n"
        "made = media_dags('songs.yaml')\n"
        "asset = media_asset('songs.yaml', 'energy')\n"
        "with DAG('other') as other:\n"
        "    MediaTaskGroup(registry='songs.yaml', targets='speech', prefix='x/')\n"
    )
    monkeypatch.chdir("/")
    monkeypatch.syspath_prepend(str(tmp_path))
    import dag_file

    assert list(dag_file.made) == ["songs"]
    assert dag_file.made["songs"].fileloc == str(tmp_path / "dag_file.py")
    assert dag_file.asset.name == "media.songs.energy"
    assert "media.speech.run" in dag_file.other.task_ids


def test_each_job_emits_the_asset_of_its_output(registry):
    (dag,) = media_dags(registry).values()
    outlets = {task.task_id: task.outlets for task in dag.tasks if task.outlets}
    assert set(outlets) == {"downsample.run", "beat_tracking.run", "energy.run", "speech.run"}
    assert outlets["energy.run"] == [media_asset(registry, "energy")]


@pytest.mark.parametrize("root", ["/data/my artifacts", "file:///data/ü", "gs://bucket", "gs://bucket/a/b"])
def test_an_asset_of_any_root_is_one_that_airflow_takes(tmp_path, root):
    path = tmp_path / "songs.yaml"
    path.write_text(REGISTRY.format(root=root))
    asset = media_asset(str(path), "energy")
    assert asset.uri.endswith("/energy")
    assert "://" in asset.uri


def test_an_asset_of_a_job_that_is_not_there_names_the_nearest(registry):
    with pytest.raises(PlanError, match="did you mean 'energy'"):
        media_asset(registry, "enrgy")


class TestTaskGroup:
    def test_it_holds_the_line_of_its_targets_only(self, registry):
        with DAG("team") as dag:
            group = MediaTaskGroup("features", registry=registry, targets=["beat_tracking"], prefix="x/")
        assert {task.task_id for task in dag.tasks} == {
            "features.plan", "features.summary",
            "features.downsample.outputs", "features.downsample.run",
            "features.beat_tracking.outputs", "features.beat_tracking.run",
        }  # fmt: skip
        assert group.runs["beat_tracking"].task_id == "features.beat_tracking.run"

    def test_top_down_it_holds_what_depends_on_the_target(self, registry):
        with DAG("team") as dag:
            MediaTaskGroup(registry=registry, targets="beat_tracking", mode="top-down", prefix="x/")
        assert {id.split(".")[1] for id in dag.task_ids} == {"plan", "beat_tracking", "energy", "summary"}

    def test_tasks_before_and_after_it_are_those_of_its_plan_and_summary(self, registry):
        from airflow.providers.standard.operators.empty import EmptyOperator

        with DAG("team") as dag:
            before, after = EmptyOperator(task_id="before"), EmptyOperator(task_id="after")
            group = MediaTaskGroup("features", registry=registry, targets=["speech"], prefix="x/")
            before >> group >> after
        assert dag.get_task("features.plan").upstream_task_ids == {"before"}
        assert dag.get_task("after").upstream_task_ids == {"features.summary"}
        assert dag.get_task("features.downsample.outputs").upstream_task_ids == {"features.plan"}

    def test_two_groups_stand_in_one_dag(self, registry):
        with DAG("team") as dag:
            MediaTaskGroup("one", registry=registry, targets=["speech"], prefix="x/")
            MediaTaskGroup("two", registry=registry, targets=["speech"], prefix="y/")
        assert dag.get_task("two.speech.outputs").plan != dag.get_task("one.speech.outputs").plan

    def test_an_unknown_target_is_told_while_the_file_is_read(self, registry):
        with pytest.raises(PlanError, match="did you mean 'speech'"), DAG("team"):
            MediaTaskGroup(registry=registry, targets=["speach"], prefix="x/")


class TestForm:
    @pytest.fixture
    def params(self, registry):
        (dag,) = media_dags(registry).values()
        return dag.params

    def test_a_run_that_says_nothing_is_valid(self, params):
        params.validate()
        assert params["mode"] == "bottom-up"

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("mode", "sideways"),
            ("limit", 0),
            ("limit", "many"),
            ("items", "a"),
            ("items", [1]),
            ("force_all", "yes"),
        ],
    )
    def test_airflow_refuses_nonsense_before_a_run_is_made(self, params, name, value):
        with pytest.raises(ParamValidationError):
            params[name] = value

    def test_a_list_that_was_emptied_in_the_web_form_says_nothing(self, params):
        for name in ("items", "targets", "force"):
            params[name] = None
        params.validate()

    def test_every_dag_of_several_gets_the_further_params(self, registry):
        made = media_dags(registry, per="target", params={"ticket": "none"})
        assert {dag.params["ticket"] for dag in made.values()} == {"none"}

    def test_ten_thousand_lines_are_valid(self, params):
        params["items"] = [f"folder/{n:05d}" for n in range(10_000)]
        params.validate()

    def test_the_form_is_kept_once_and_not_in_each_task(self, registry):
        (dag,) = media_dags(registry).values()
        assert all(not task.params for task in dag.tasks)

    def test_it_offers_the_jobs_of_its_line(self, registry):
        made = media_dags(registry, per="target")
        assert made["songs.speech"].params.get_param("targets").schema["examples"] == ["downsample", "speech"]


def test_without_a_schedule_it_can_be_backfilled_and_never_runs_by_itself(registry):
    from datetime import UTC, datetime

    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.timetables.base import TimeRestriction
    from pendulum import DateTime

    (dag,) = media_dags(registry).values()
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert stored.timetable.periodic
    now = TimeRestriction(earliest=DateTime(2026, 1, 1, tzinfo=UTC), latest=None, catchup=False)
    assert stored.timetable.next_dagrun_info(last_automated_data_interval=None, restriction=now) is None
    dates = stored.iter_dagrun_infos_between(
        datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
    )
    assert [info.logical_date.date().isoformat() for info in dates] == [
        "2026-01-01",
        "2026-01-02",
        "2026-01-03",
    ]
