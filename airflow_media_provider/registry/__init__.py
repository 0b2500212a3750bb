"""The registry: which jobs exist and what they need of each other."""

from airflow_media_provider.registry.load import load_registry, media_registry
from airflow_media_provider.registry.model import Job, JobGraph

__all__ = ["Job", "JobGraph", "load_registry", "media_registry"]
