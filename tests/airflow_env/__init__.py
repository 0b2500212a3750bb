"""A whole Airflow of the test's own: real components as processes, loopback ports, a temporary home.

``AirflowEnv`` starts and stops it, ``AirflowClient`` speaks to its REST API as the web pages do. Nothing here
knows of media jobs; the demo (``scripts/demo.py``) uses the same harness on SQLite.
"""

from tests.airflow_env.client import AirflowClient, DagRun
from tests.airflow_env.components import COMPONENTS, INIT_COMMAND
from tests.airflow_env.environment import AirflowEnv, EnvSettings
from tests.airflow_env.postgres import Postgres, PostgresNotFound, find_postgres

__all__ = [
    "COMPONENTS",
    "INIT_COMMAND",
    "AirflowClient",
    "AirflowEnv",
    "DagRun",
    "EnvSettings",
    "Postgres",
    "PostgresNotFound",
    "find_postgres",
]
