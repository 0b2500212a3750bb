"""A DAG that messages wake, tried again when its processes are killed."""

from airflow_media_provider.dag_factory import media_dags

globals().update(media_dags("inbox.yaml", on_uploads=True, run_args={"retries": 5, "retry_delay": 1}))
