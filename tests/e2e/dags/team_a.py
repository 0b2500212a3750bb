"""Team A's DAG: works on what the platform team has downsampled."""

from airflow_media_provider.dag_factory import media_dags

globals().update(media_dags("catalog.yaml", team="a", on_parents=True))
