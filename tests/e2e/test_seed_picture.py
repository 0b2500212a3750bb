"""Four teams, one catalog: uploads flow down to every team, and a leaf is filled in without its siblings."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.airflow_env.client import ENDED
from tests.e2e.songs import FORMATS, make_song, real_excerpts
from tests.e2e.world import World, all_artifacts, diary, line_of, must_be_made, must_be_told
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.airflow_env import AirflowClient, AirflowEnv
    from tests.peers.cloud import Cloud

pytestmark = pytest.mark.scheduler

DAGS = ("seed.platform", "seed.a", "seed.b", "seed.c")
DOWNSAMPLED = "projects/test-project/subscriptions/seed-downsampled"
SONGS, CORRUPT, DELETED = 200, 4, 30
SOME_LEFT = 1
"""Exit code of ``airflow media backfill`` when items failed."""


@pytest.fixture(scope="module")
def airflow(airflow_env: AirflowEnv, cloud: Cloud) -> AirflowClient:
    client = airflow_env.client
    for dag in DAGS:
        client.wait_for_dag(dag)
        client.unpause(dag)
    return client


@pytest.mark.timeout(1500)
def test_uploads_reach_every_team_and_a_leaf_is_filled_in_bottom_up(
    airflow: AirflowClient, airflow_env: AirflowEnv, cloud: Cloud, media_folder: Path
) -> None:
    world, chance = World(cloud), random.Random(20)
    songs = songs_of_all_formats()
    corrupt = set(chance.sample(sorted(songs), CORRUPT))
    songs |= dict.fromkeys(corrupt, b"this is no song\n" * 50)
    good = set(songs) - corrupt

    # Storage itself announces the uploads; nobody triggers anything.
    world.upload(songs)
    expected = all_artifacts(good)
    wait_until(
        lambda: set(world.artifacts()) >= expected and quiet(airflow),
        patience=900, every=3, what="not every team has worked on every upload",
    )  # fmt: skip
    assert set(world.artifacts()) == expected
    tried = {(item, "downsample") for item in corrupt}
    assert diary(media_folder) == Counter(expected | tried), "something was done twice, or for nothing"
    told = dict.fromkeys(expected, "done") | dict.fromkeys(tried, "failed")
    # Whether a run hears of an item that another run has done is a matter of time: "present" is left out.
    assert counted(row for row in world.rows() if row["status"] != "present") == Counter(told.items())
    # Whoever is outside Airflow hears of each song once it is downsampled.
    heard = [json.loads(message.data) for message in cloud.pubsub().drain(DOWNSAMPLED, wanted=len(good))]
    assert sorted(said["item"] for said in heard) == sorted(good)
    assert {run.state for dag in DAGS for run in airflow.runs(dag)} == {"success"}
    # Each team's DAG did only the team's own jobs.
    assert {(row["run"].split(".plan.")[0], row["job"]) for row in world.rows()} == {
        ("seed.platform", "downsample"), ("seed.a", "beat_tracking"), ("seed.a", "energy"),
        ("seed.b", "speechiness"), ("seed.c", "instrumentalness"),
    }  # fmt: skip

    # Holes at all depths; then one leaf is asked for, of everything, corrupt songs included.
    before = diary(media_folder)
    holes = holes_at_all_depths(world.artifacts(), chance)
    world.delete(name for _, name in holes)
    there = expected - {cell for cell, _ in holes}
    wanted = set().union(*(must_be_made(item, "energy", there) for item in good))
    assert {job for _, job in wanted} == {"downsample", "beat_tracking", "energy"}, "holes at every depth"
    runs = {dag: {run.run_id for run in airflow.runs(dag)} for dag in DAGS}

    ids = media_folder / "leaf.txt"
    ids.write_text("".join(f"{item}\n" for item in sorted(songs)))
    registry = str(airflow_env.settings.dags / "catalog.yaml")
    backfill = airflow_env.run(
        "airflow", "media", "backfill", "--registry", registry, "--dag-id", "seed.a", "--target", "energy",
        "--items-uri", str(ids), "--wait", timeout=600, check=False,
    )  # fmt: skip
    assert backfill.returncode == SOME_LEFT, backfill.stderr
    wait_until(lambda: quiet(airflow), what="something still runs")
    assert set(world.artifacts()) == there | wanted
    assert diary(media_folder) - before == Counter(wanted | tried)
    # Artifacts of other teams' jobs were made on the way, and woke nobody.
    new = {dag: {run.run_id for run in airflow.runs(dag)} - runs[dag] for dag in DAGS}
    assert {dag: len(ids) for dag, ids in new.items()} == {**dict.fromkeys(DAGS, 0), "seed.a": 1}
    # What the run tells of each song and job, and its numbers, are what brute force says.
    told = {}
    for item in songs:
        told |= must_be_told(item, "energy", there, corrupt=item in corrupt)
    (run,) = {row["run"] for row in world.rows() if next(iter(new["seed.a"])) in row["run"]}
    rows = counted(row for row in world.rows() if row["run"] == run)
    assert rows == Counter((cell, status) for cell, status in told.items() if status != "present")
    for job, counts in world.counts(run).items():
        numbers = Counter(status for (_, its), status in told.items() if its == job)
        assert {status: n for status, n in counts.items() if n} == numbers, job
    assert set(world.counts(run)) == line_of("energy")


def songs_of_all_formats() -> dict[str, bytes]:
    """Return item -> file: a few real songs, where there are some, and made ones in every format."""
    songs = {f"real/{name}": data for name, data in real_excerpts().items()}
    for n in range(SONGS - len(songs)):
        item = f"label {n % 7}/sång-{n:03}.{FORMATS[n % len(FORMATS)]}"
        songs[item] = make_song(item, n)
    return songs


def counted(rows: Iterable[dict[str, Any]]) -> Counter[tuple[tuple[str, str], str]]:
    """Count what is told, by item, job and status."""
    return Counter(((row["item"], row["job"]), row["status"]) for row in rows)


def holes_at_all_depths(
    artifacts: dict[tuple[str, str], str], chance: random.Random
) -> list[tuple[tuple[str, str], str]]:
    """Choose artifacts to delete: some songs lose the end of the line, some more of it, the rest anything."""
    songs = chance.sample(sorted({item for item, _ in artifacts}), 9)
    line = ("energy", "beat_tracking", "downsample")
    chosen = {(item, job) for n, item in enumerate(songs) for job in line[: 1 + n % 3]}
    rest = sorted(set(artifacts) - chosen)
    chosen |= set(chance.sample(rest, DELETED - len(chosen)))
    return [(cell, artifacts[cell]) for cell in sorted(chosen)]


def quiet(client: AirflowClient) -> bool:
    """Tell whether no run of the teams is going on."""
    return all(run.state in ENDED for dag in DAGS for run in client.runs(dag))
