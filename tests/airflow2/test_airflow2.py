"""Airflow 2.11 runs the reference graph: by backfill, by trigger, by hand-written DAGs, and by datasets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from airflow_media_provider.storage.store import is_temporary
from tests.airflow2.environment import VENV, Airflow2
from tests.integration.songs import make_songs
from tests.peers.cloud import Cloud
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.scheduler,
    pytest.mark.skipif(not (VENV / ".set-up").exists(), reason="make test sets .venv-airflow2 up"),
]

ENDED = ("success", "failed")
UPLOADED, STREAMED = ("new/e", "new/f"), ("new/g", "new/h")


@pytest.fixture(scope="module")
def messages(cloud_or_none: Cloud | None) -> Mapping[str, str]:
    """What finds Pub/Sub and two subscriptions there; nothing where it cannot be started."""
    if cloud_or_none is None:
        return {}
    pubsub = cloud_or_none.pubsub()
    return {
        **cloud_or_none.env,
        "MEDIA_TOPIC": pubsub.topic("airflow2-uploads", "airflow2-uploads"),
        "MEDIA_SUBSCRIPTION": pubsub.subscription("airflow2-uploads"),
        "MEDIA_STREAM_TOPIC": pubsub.topic("airflow2-stream", "airflow2-stream"),
        "MEDIA_STREAM": pubsub.subscription("airflow2-stream"),
    }


@pytest.fixture(scope="module")
def airflow2(tmp_path_factory: pytest.TempPathFactory, messages: Mapping[str, str]) -> Iterator[Airflow2]:
    home = tmp_path_factory.mktemp("airflow2")
    shutil.rmtree(home)
    home.mkdir()
    made = Airflow2(home, messages)
    try:
        made.start()
        songs = ["2026-01-01/a", "2026-01-01/b", "2026-01-02/c", "hand/d", *UPLOADED, *STREAMED]
        make_songs(home / "songs", songs, seconds=4)
        yield made
    finally:
        made.stop()
    assert not made.leftovers()


def artifacts(airflow2: Airflow2) -> dict[str, int]:
    """Return artifact -> when it was written."""
    root = airflow2.home / "artifacts"
    found = (path for path in root.glob("*/*/**/*") if "_runs" not in path.parts)
    found = (path for path in found if not is_temporary(path.name) and path.is_file())
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
    assert dags == {
        "media", "woken.b", "by_hand", "in_a_group", "after_downsample", "uploaded",
        "stream_start", "stream_drain",
    }  # fmt: skip


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


def end(airflow2: Airflow2, dag_id: str, run_id: str) -> str:
    """Wait for the end of a run, and return its state."""

    def ended() -> str:
        return next((run["state"] for run in airflow2.runs(dag_id) if run["run_id"] == run_id), "")

    return wait_until(
        lambda: (state := ended()) in ENDED and state,
        every=2, what=f"{run_id} of {dag_id} did not end",
    )  # fmt: skip


def made_of(airflow2: Airflow2, songs: tuple[str, ...]) -> set[str]:
    """Return which of some songs have been downsampled."""
    return {
        song
        for name in artifacts(airflow2)
        for song in songs
        if name.startswith("downsample/") and name.endswith(f"/{song}.flac")
    }


def test_a_task_waits_in_the_triggerer_for_uploads_and_its_dag_works_on_them(
    airflow2: Airflow2, cloud: Cloud, messages: Mapping[str, str]
) -> None:
    airflow2.start_components()
    airflow2.run("dags", "trigger", "uploaded", "--run-id", "uploads")
    cloud.pubsub().publish(messages["MEDIA_TOPIC"], *(song.encode() for song in UPLOADED))
    assert end(airflow2, "uploaded", "uploads") == "success", airflow2.tasks("uploaded", "uploads")
    assert made_of(airflow2, UPLOADED) == set(UPLOADED)
    assert not cloud.pubsub().drain(messages["MEDIA_SUBSCRIPTION"]), "acknowledged"


def test_a_stream_is_started_serves_messages_and_is_drained(
    airflow2: Airflow2, cloud: Cloud, messages: Mapping[str, str]
) -> None:
    airflow2.start_components()
    cloud.pubsub().publish(messages["MEDIA_STREAM_TOPIC"], *(song.encode() for song in STREAMED))
    airflow2.run("dags", "trigger", "stream_start", "--run-id", "start")
    wait_until(
        lambda: made_of(airflow2, STREAMED) == set(STREAMED),
        every=2, what="the stream did not serve its messages",
    )  # fmt: skip
    airflow2.run("dags", "trigger", "stream_drain", "--run-id", "drain")
    assert end(airflow2, "stream_drain", "drain") == "success"
    assert end(airflow2, "stream_start", "start") == "success"


def test_the_commands_run_as_a_module(airflow2: Airflow2) -> None:
    registry = ("--registry", "media_jobs.yaml", "--output", "json")
    jobs = airflow2.media("jobs", *registry)
    assert jobs.returncode == 0, jobs.stderr
    assert {row["job"] for row in json.loads(jobs.stdout)} >= {"downsample", "beat_tracking", "energy"}
    plan = airflow2.media(
        "plan", "--prefix", "2026-01-02/", "--target", "loudness", "--force", "loudness", *registry
    )
    assert plan.returncode == 0, plan.stderr
    assert '"loudness"' in plan.stdout
    refused = airflow2.media("backfill", "--partitions", "all", *registry)
    assert refused.returncode == 2
    assert (
        "runs of partitions and of slices of a list need Airflow 3; here: airflow dags backfill"
        in refused.stderr
    )
    assert "-m airflow_media_provider.cli" in airflow2.media("--help").stdout


def test_triggered_runs_hand_written_dags_and_datasets_work_under_a_scheduler(airflow2: Airflow2) -> None:
    airflow2.start_components()
    airflow2.run("dags", "trigger", "in_a_group", "--run-id", "group")
    airflow2.run("dags", "trigger", "by_hand", "--run-id", "hand")

    assert end(airflow2, "by_hand", "hand") == "success", airflow2.tasks("by_hand", "hand")
    # The group waited in the triggerer for what the other DAG has made.
    assert end(airflow2, "in_a_group", "group") == "success", airflow2.tasks("in_a_group", "group")
    assert {name.split("/")[0] for name in artifacts(airflow2) if "/hand/" in name} >= {
        "loudness",
        "downsample",
    }

    # Its dataset wakes a team's DAG, which works on just what is new.
    def songs_of_the_team() -> set[str]:
        return {Path(name).stem for name in artifacts(airflow2) if name.startswith(("spectral/", "plots/"))}

    wait_until(lambda: "d" in songs_of_the_team(), every=2, what="the dataset did not bring its song")
    states = {run["state"] for run in airflow2.runs("woken.b") if run["state"] in ENDED}
    assert states <= {"success"}


ONLY_3 = {
    "uploads": (
        'media_dags("media_jobs.yaml", overlay="cloud", on_uploads=True)',
        "assets are watched from Airflow 3 on; wait with MediaUploadSensor in a DAG of your own",
    ),
    "partitions": (
        'media_dags("sliced.yaml", partitioned=True)',
        "runs of partitions need Airflow 3.3; leave out partitioned: a partition can be asked for in a run's "
        "form or conf",
    ),
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
