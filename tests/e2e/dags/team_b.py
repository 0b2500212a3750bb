"""Team B's DAG: works on what the platform team has downsampled."""

from airflow_media_provider.dag_factory import media_dags

globals().update(media_dags("catalog.yaml", team="b", on_parents=True))
