"""Makes the DAG of the images' registry beside this file."""

from airflow_media_provider.dag_factory import media_dags

globals().update(media_dags("images.yaml"))
