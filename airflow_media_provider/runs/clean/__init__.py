"""Take away what no plan looks at any more: artifacts of old fingerprints, and the folders of old runs."""

from airflow_media_provider.runs.clean.delete import Deleted, delete_all, delete_found, remove_empty_folders
from airflow_media_provider.runs.clean.layout import OldLayout, kept_addresses, old_layouts
from airflow_media_provider.runs.clean.old_runs import OldRun, find_old_runs
from airflow_media_provider.runs.clean.search import OldArtifacts, find_old

__all__ = [
    "Deleted",
    "OldArtifacts",
    "OldLayout",
    "OldRun",
    "delete_all",
    "delete_found",
    "find_old",
    "find_old_runs",
    "kept_addresses",
    "old_layouts",
    "remove_empty_folders",
]
