"""Runs the graph for whatever is uploaded, where a subscription tells of it."""

import os

from airflow_media_provider.dag_factory import media_dags

if os.environ.get("MEDIA_SUBSCRIPTION"):
    globals().update(media_dags("media_jobs.yaml", overlay="cloud", dag_id="media_uploads", on_uploads=True))
