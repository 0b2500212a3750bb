"""The plan task on a real Airflow."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.airflow


def plan(arguments: str) -> str:
    return f"""
    MediaPlanOperator(task_id="plan", registry=REGISTRY, {arguments})
"""


def test_the_plan_task_hands_on_a_folder_and_counts_only(catalog):
    body = plan("targets='energy', items=['a', 'rock/b', 'a', '../x']")

    run = catalog.run(body, dag_id="plan_counts")

    assert run.state == "success"
    found = run.xcoms["plan"]
    assert (found["items"], found["rejected"]) == (2, 1)
    assert found["jobs"] == {
        job: {"run": 2, "present": 0, "blocked": 1} for job in ("downsample", "beat_tracking", "energy")
    }
    assert len(json.dumps(found)) < 2000
    stored = json.loads(catalog.read(f"{found['plan']}/plan.json"))
    assert stored["counts"] == found["jobs"]


def test_ten_thousand_pasted_lines_become_one_plan_and_a_short_xcom(catalog):
    lines = "\n".join(["a", *(f"many/{number}" for number in range(10_000))])

    run = catalog.run(
        plan("use_params=True, targets='loudness'"), dag_id="plan_pasted", conf={"items": lines.split("\n")}
    )

    assert run.xcoms["plan"]["items"] == 10_001
    assert run.xcoms["plan"]["jobs"] == {"loudness": {"run": 1, "present": 0, "blocked": 10_000}}
    assert len(json.dumps(run.xcoms["plan"])) < 2000


def test_what_a_form_says_wins_and_what_it_leaves_empty_does_not(catalog):
    body = plan("use_params=True, targets='energy', items=['a'], limit=1")
    form = {"prefix": "rock/", "items": ["", " "], "targets": "loudness", "force": [], "dry_run": True}

    run = catalog.run(body, dag_id="plan_form", conf=form)

    found = run.xcoms["plan"]
    assert (found["items"], list(found["jobs"]), found["dry_run"]) == (1, ["loudness"], True)


def test_a_list_named_by_date_is_the_runs_own(catalog):
    from datetime import UTC, datetime

    (catalog.folder / "2026-02-03.txt").write_text("rock/b\n")
    body = plan("use_params=True, targets=['loudness']")
    form = {"items_uri": f"{catalog.folder}/{{{{ ds }}}}.txt"}
    when = datetime(2026, 2, 3, tzinfo=UTC)

    run = catalog.run(body, dag_id="plan_by_date", conf=form, logical_date=when, run_after=when)

    assert run.xcoms["plan"]["items"] == 1


@pytest.mark.parametrize(
    "form",
    [
        {"items": ["a"], "targets": ["enrgy"]},
        {"items": ["a"], "mode": "sideways"},
        {"items": ["a"], "prefix": "b"},
        {"items_uri": "/no/such/list.txt"},
        {"items_uri": "{{ var.value.secret }}"},
        {"prefix": "nothing/begins/so"},
        {},
    ],
    ids=["unknown target", "mode", "two selections", "no such list", "no date", "empty", "no selection"],
)
def test_a_request_that_cannot_be_planned_fails_the_task(catalog, form):
    run = catalog.run(plan("use_params=True"), dag_id="plan_bad", conf=form)

    assert run.states["plan"] == "failed"


def test_a_broken_registry_fails_the_task_with_its_faults(catalog, capfd, caplog):
    catalog.write_registry(loudness=", stpe: 1")

    run = catalog.run(plan("items=['a']"), dag_id="plan_registry")

    assert run.states["plan"] == "failed"
    said = capfd.readouterr()
    assert "registry.yaml:8: " in said.out + said.err + caplog.text


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"items": ["a"], "prefix": "b"},
        {"items": ["a"], "mode": "sideways"},
        {"items": ["a"], "limit": 0},
    ],
    ids=["no selection", "two selections", "mode", "limit"],
)
def test_arguments_that_make_no_sense_are_refused_when_the_file_is_read(arguments):
    from airflow_media_provider.operators.media import MediaPlanOperator

    with pytest.raises(ValueError, match="task 'plan'"):
        MediaPlanOperator(task_id="plan", registry="r.yaml", **arguments)


@pytest.mark.parametrize("said", ["by the task", "by the form"])
def test_a_saved_inventory_is_read_and_one_of_other_buckets_is_refused(catalog, said, capfd, caplog):
    report = catalog.folder / "report.csv"
    report.write_text("bucket,name\nb,media/x.flac\n")
    own = f"inventory_uri={str(report)!r}" if said == "by the task" else "use_params=True"
    form = {} if said == "by the task" else {"inventory_uri": f"{catalog.folder}/{{{{ 'report' }}}}.csv"}
    body = plan(f"targets='loudness', items=['a'], {own}")

    run = catalog.run(body, dag_id=f"plan_saved_{said[-4:]}", conf=form)

    assert run.states["plan"] == "failed"
    output = capfd.readouterr()
    assert f"inventory {report} is about gs://b" in output.out + output.err + caplog.text


class Batches:
    """Batches of uploads, and another run that takes some up while a plan is made."""

    def __init__(self, catalog, monkeypatch):
        self._folder = catalog.folder / "artifacts" / "_intake" / "s"
        self._patch = monkeypatch

    def write(self, name: str, item: str) -> str:
        path = self._folder / "batches" / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"item": item, "message": name}) + "\n")
        return f"file://{path}"

    def mark(self, name: str) -> str:
        return (self._folder / "planned" / name).read_text()

    def files_of_runs(self) -> list[str]:
        runs = self._folder.parents[1] / "_runs"
        return sorted(path.relative_to(runs).as_posix() for path in runs.rglob("*") if path.is_file())

    def taken_meanwhile(self, *uris: str) -> None:
        from airflow_media_provider.intake.batches import mark_planned
        from airflow_media_provider.runs import here
        from airflow_media_provider.storage import Stores

        plan_and_save = here.plan_and_save

        def slow(*said, **more):
            made = plan_and_save(*said, **more)
            mark_planned(uris, "another plan", Stores())
            return made

        self._patch.setattr(here, "plan_and_save", slow)


@pytest.fixture
def batches(catalog, monkeypatch):
    return Batches(catalog, monkeypatch)


def test_of_two_plans_that_are_made_of_a_batch_at_once_one_goes_on(catalog, batches):
    uri = batches.write("20260101T000000-aa", "a")
    body = plan(f"targets='loudness', items_uri={uri!r}")
    batches.taken_meanwhile(uri)

    run = catalog.run(body, dag_id="plan_raced")

    assert run.states["plan"] == "skipped"
    assert batches.mark("20260101T000000-aa") == "another plan"
    assert batches.files_of_runs() == [], "nobody will do that plan"


def test_a_run_of_several_batches_goes_on_without_the_one_that_it_lost(catalog, batches):
    from types import SimpleNamespace

    from airflow.sdk import DAG, Asset

    from airflow_media_provider.operators.media import MediaPlanOperator

    lost = batches.write("20260101T000000-aa", "a")
    kept = batches.write("20260101T000001-bb", "rock/b")
    batches.taken_meanwhile(lost)
    with DAG("plan_woken", schedule=None):
        task = MediaPlanOperator(
            task_id="plan", registry=catalog.registry, targets="loudness", use_events=True
        )
    events = [SimpleNamespace(extra={"payload": {"batch": uri}}) for uri in (lost, kept)]
    context = {
        "run_id": "r", "params": {}, "triggering_asset_events": {Asset("uploads"): events},
        "ti": SimpleNamespace(xcom_push=lambda key, value: None),
    }  # fmt: skip

    found = task.execute(context)

    assert (found["items"], found["jobs"]) == (1, {"loudness": {"run": 1, "present": 0, "blocked": 0}})
    assert batches.mark("20260101T000000-aa") == "another plan"
    assert batches.mark("20260101T000001-bb") == found["plan"]
