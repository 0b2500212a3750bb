"""From a registry to Airflow's DAGs, task groups, form and assets.

Runs each time a DAG file is parsed, so nothing here loads Beam, numpy or a step.
"""

from airflow_media_provider.dag_factory.assets import media_asset
from airflow_media_provider.dag_factory.dags import media_dags
from airflow_media_provider.dag_factory.group import MediaTaskGroup

__all__ = ["MediaTaskGroup", "media_asset", "media_dags"]
