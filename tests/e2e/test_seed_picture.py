"""Four teams, one catalog: uploads flow down to every team, and a leaf is filled in without its siblings."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.airflow_env.client import ENDED, wait_until
from tests.e2e.world import FORMATS, NEEDS, World, all_artifacts, make_song, must_be_made

if TYPE_CHECKING:
    from tests.airflow_env import AirflowClient, AirflowEnv
    from tests.peers.cloud import Cloud

pytestmark = pytest.mark.scheduler

DAGS = ("seed.platform", "seed.a", "seed.b", "seed.c")
DOWNSAMPLED = "projects/test-project/subscriptions/seed-downsampled"
SONGS, CORRUPT, DELETED = 200, 4, 30


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
    kinds = list(FORMATS)
    songs = {f"label {n % 7}/sång-{n:03}.{kinds[n % len(kinds)]}": b"" for n in range(SONGS)}
    songs = {item: make_song(item, n) for n, item in enumerate(songs)}
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
    assert set(world.work().values()) == {1}, "something was done twice"
    assert set(world.work()) == expected
    assert {row["item"] for row in world.rows() if row["status"] == "failed"} == corrupt
    # Whoever is outside Airflow hears of each song once it is downsampled.
    heard = [json.loads(message.data) for message in cloud.pubsub().drain(DOWNSAMPLED)]
    assert sorted(said["item"] for said in heard) == sorted(good)
    assert {run.state for dag in DAGS for run in airflow.runs(dag)} == {"success"}
    # Each team's DAG did only the team's own jobs.
    assert {(row["run"].split(".plan.")[0], row["job"]) for row in world.rows()} == {
        ("seed.platform", "downsample"), ("seed.a", "beat_tracking"), ("seed.a", "energy"),
        ("seed.b", "speechiness"), ("seed.c", "instrumentalness"),
    }  # fmt: skip

    # Holes at all depths; then one leaf is asked for, of everything.
    before = world.work()
    holes = holes_at_all_depths(world.artifacts(), chance)
    world.delete(name for _, name in holes)
    there = expected - {cell for cell, _ in holes}
    wanted = set().union(*(must_be_made(item, "energy", there) for item in good))
    siblings = {dag: len(airflow.runs(dag)) for dag in DAGS}

    ids = media_folder / "leaf.txt"
    ids.write_text("".join(f"{item}\n" for item in sorted(good)))
    registry = str(airflow_env.settings.dags / "catalog.yaml")
    airflow_env.run(
        "airflow", "media", "backfill", "--registry", registry, "--dag-id", "seed.a", "--target", "energy",
        "--items-uri", str(ids), "--wait", timeout=600,
    )  # fmt: skip
    wait_until(lambda: quiet(airflow), patience=120, what="something still runs")
    assert set(world.artifacts()) == there | wanted
    assert set((world.work() - before).elements()) == wanted
    assert {job for _, job in wanted} == {"downsample", "beat_tracking", "energy"}, "holes at every depth"
    # Artifacts of other teams' jobs were made on the way, and woke nobody.
    assert {dag: len(airflow.runs(dag)) for dag in DAGS} == {**siblings, "seed.a": siblings["seed.a"] + 1}
    assert set(NEEDS) >= {job for _, job in wanted}


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
