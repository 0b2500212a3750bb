"""Makes the DAG of the videos' registry beside this file."""

from airflow_media_provider.dag_factory import media_dags

globals().update(media_dags("video.yaml"))
