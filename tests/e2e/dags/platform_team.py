"""The platform team's DAG: whatever is uploaded is downsampled."""

from airflow_media_provider.dag_factory import media_dags

globals().update(media_dags("catalog.yaml", team="platform", on_uploads=True))
