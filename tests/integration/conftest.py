"""The one Airflow of the session with its DAGs switched on, and the catalog they work on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.catalog import Catalog

if TYPE_CHECKING:
    from tests.airflow_env import AirflowClient, AirflowEnv

DAGS = (
    "songs", "songs_lenient", "woken", "slow", "team", "media", "after_energy", "weekly_features",
    "by_label", "by_date", "by_shard", "by_command", "from_lists", "unpartitioned", "per_partition",
    "by_team.platform", "by_team.a",
)  # fmt: skip
NOT_BY_ITSELF = "weekly_features"
"""Has a schedule, and would start a run as soon as it is switched on."""


@pytest.fixture(scope="session")
def airflow(airflow_env: AirflowEnv) -> AirflowClient:
    """A running Airflow that has read every DAG of ``dags/``."""
    client = airflow_env.client
    for dag in DAGS:
        client.wait_for_dag(dag)
        if dag != NOT_BY_ITSELF:
            client.unpause(dag)
    return client


@pytest.fixture(scope="session")
def catalog(media_folder: Path) -> Catalog:
    """Songs and artifacts; each test keeps its songs in a folder of its own, so that none meets another's."""
    return Catalog(media_folder)
