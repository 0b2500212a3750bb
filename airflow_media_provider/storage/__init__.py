"""Storage is the truth: what exists, found by bulk listing, and bytes put there in one piece.

A new storage is one file with a class that fulfils :class:`ObjectStore`, one line in
:mod:`airflow_media_provider.storage.stores`, and one line in the contract test that all stores pass.
"""

from airflow_media_provider.storage.store import ObjectInfo, ObjectStore
from airflow_media_provider.storage.stores import Stores

__all__ = ["ObjectInfo", "ObjectStore", "Stores"]
