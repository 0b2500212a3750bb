"""The one Airflow of the session with its DAGs switched on, and the catalog they work on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.catalog import Catalog

if TYPE_CHECKING:
    from tests.airflow_env import AirflowClient, AirflowEnv

DAGS = ("songs", "songs_lenient", "after_energy", "slow", "team")


@pytest.fixture(scope="session")
def airflow(airflow_env: AirflowEnv) -> AirflowClient:
    """A running Airflow that has read every DAG of ``dags/``."""
    client = airflow_env.client
    for dag in DAGS:
        client.wait_for_dag(dag)
        client.unpause(dag)
    return client


@pytest.fixture
def catalog(media_folder: Path) -> Catalog:
    """Songs and artifacts; each test keeps its songs in a folder of its own, so that none meets another's."""
    return Catalog(media_folder)
