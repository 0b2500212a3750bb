"""A DAG whose runs do not wait for each other."""

from airflow_media_provider.dag_factory import media_dags

globals().update(media_dags("race.yaml"))
