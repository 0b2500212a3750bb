"""The slow job, tried again when its process was killed."""

from airflow_media_provider.dag_factory import media_dags

globals().update(media_dags("slow.yaml", run_args={"retries": 2, "retry_delay": 1}))
