"""Airflow 2.11 runs the reference graph: by backfill, by trigger, by hand-written DAGs, and by datasets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.airflow2.environment import VENV, Airflow2
from tests.airflow_env.client import wait_until
from tests.integration.songs import make_songs

pytestmark = [
    pytest.mark.scheduler,
    pytest.mark.skipif(not (VENV / ".set-up").exists(), reason="make test sets .venv-airflow2 up"),
]

ENDED = ("success", "failed")


@pytest.fixture(scope="module")
def airflow2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow2]:
    home = tmp_path_factory.mktemp("airflow2")
    shutil.rmtree(home)
    home.mkdir()
    made = Airflow2(home)
    try:
        made.start()
        songs = ["2026-01-01/a", "2026-01-01/b", "2026-01-02/c", "hand/d"]
        make_songs(home / "songs", songs, seconds=4)
        yield made
    finally:
        made.stop()
    assert not made.leftovers()


def artifacts(airflow2: Airflow2) -> dict[str, int]:
    """Return artifact -> when it was written."""
    root = airflow2.home / "artifacts"
    found = (path for path in root.glob("*/*/**/*") if path.is_file() and "_runs" not in path.parts)
    return {path.relative_to(root).as_posix(): path.stat().st_mtime_ns for path in found}


def backfill(airflow2: Airflow2) -> None:
    lists = {"2026-01-01": ["2026-01-01/a", "2026-01-01/b"], "2026-01-02": ["2026-01-02/c"]}
    for date, songs in lists.items():
        (airflow2.home / f"{date}.txt").write_text("\n".join(songs))
    conf = json.dumps({"items_uri": f"{airflow2.home}/{{{{ ds }}}}.txt", "targets": ["energy"]})
    dates = ("-s", "2026-01-01", "-e", "2026-01-02")
    airflow2.run("dags", "backfill", "media", *dates, "--reset-dagruns", "-y", "--conf", conf)


def test_every_dag_is_read(airflow2: Airflow2) -> None:
    assert "No data found" in airflow2.run("dags", "list-import-errors").stdout
    dags = {row["dag_id"] for row in airflow2.ask("dags", "list")}
    assert dags == {"media", "woken.b", "by_hand", "in_a_group", "after_downsample"}


def test_a_backfill_by_date_runs_the_reference_graph_and_a_second_one_does_nothing(
    airflow2: Airflow2,
) -> None:
    backfill(airflow2)
    made = artifacts(airflow2)
    jobs = {name.split("/")[0] for name in made}
    assert jobs == {"downsample", "beat_tracking", "energy"}
    assert len(made) == 9, "three songs, three jobs"
    assert {run["state"] for run in airflow2.runs("media")} == {"success"}

    backfill(airflow2)
    assert artifacts(airflow2) == made


def test_triggered_runs_hand_written_dags_and_datasets_work_under_a_scheduler(airflow2: Airflow2) -> None:
    airflow2.start_components()
    airflow2.run("dags", "trigger", "in_a_group", "--run-id", "group")
    airflow2.run("dags", "trigger", "by_hand", "--run-id", "hand")

    def ended(dag_id: str, run_id: str):
        found = [run for run in airflow2.runs(dag_id) if run["run_id"] == run_id and run["state"] in ENDED]
        return found and found[0]["state"]

    def state(dag_id: str, run_id: str) -> str:
        return wait_until(
            lambda: ended(dag_id, run_id), patience=300, every=2, what=f"{run_id} of {dag_id} did not end"
        )

    assert state("by_hand", "hand") == "success", airflow2.tasks("by_hand", "hand")
    # The group waited in the triggerer for what the other DAG has made.
    assert state("in_a_group", "group") == "success", airflow2.tasks("in_a_group", "group")
    assert {name.split("/")[0] for name in artifacts(airflow2) if "/hand/" in name} >= {
        "loudness",
        "downsample",
    }

    # Its dataset wakes a team's DAG, which works on just what is new.
    def songs_of_the_team() -> set[str]:
        return {Path(name).stem for name in artifacts(airflow2) if name.startswith(("spectral/", "plots/"))}

    wait_until(
        lambda: "d" in songs_of_the_team(), patience=300, every=2, what="the dataset did not bring its song"
    )
    states = {run["state"] for run in airflow2.runs("woken.b") if run["state"] in ENDED}
    assert states <= {"success"}


ONLY_3 = {
    "uploads": (
        'media_dags("media_jobs.yaml", overlay="cloud", on_uploads=True)',
        "assets are watched from Airflow 3 on; wait with MediaUploadSensor in a DAG of your own",
    ),
    "partitions": ('media_dags("sliced.yaml", partitioned=True)', "partition"),
}


@pytest.mark.parametrize("what", ONLY_3)
def test_what_only_airflow_3_can_do_is_refused_with_a_sentence(airflow2: Airflow2, what: str) -> None:
    call, sentence = ONLY_3[what]
    registry = (airflow2.dags / "media_jobs.yaml").read_text()
    (airflow2.dags / "sliced.yaml").write_text(f"{registry}\npartitions: {{by: hash, count: 4}}\n")
    code = f"""
from airflow_media_provider.dag_factory import media_dags
__file__ = {str(airflow2.dags / "x.py")!r}
try:
    {call}
except Exception as error:
    print(f"refused: {{error}}")
"""
    done = airflow2.python(
        code, MEDIA_SUBSCRIPTION="projects/p/subscriptions/s", MEDIA_TOPIC="projects/p/topics/t"
    )
    assert "refused: " in done.stdout, done.stderr[-2000:]
    assert sentence in done.stdout
