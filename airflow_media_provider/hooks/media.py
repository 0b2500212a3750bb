"""From Airflow's connections to stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow_media_provider.compat import BaseHook

if TYPE_CHECKING:
    from airflow_media_provider.storage import Stores
    from airflow_media_provider.storage.store import ObjectStore


class MediaHook(BaseHook):
    """Opens the storages that a registry names.

    Local files need no connection; ``gs://`` and queries use the Google connection, other schemes
    the environment of their libraries.

    :param gcp_conn_id: connection of the Google provider.
    :param impersonation_chain: service account to act as, or a chain of them.
    """

    def __init__(
        self,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    def stores(self) -> Stores:
        """Return the stores; each connects when it is first asked for something."""
        from airflow_media_provider.storage import Stores

        return Stores({"gs": self._gcs}, run_query=self._query)

    def _query(self, text: str) -> Iterator[Any]:
        from airflow_media_provider.hooks.bigquery import run_query

        return run_query(text, gcp_conn_id=self.gcp_conn_id, impersonation_chain=self.impersonation_chain)

    def _gcs(self) -> ObjectStore:
        from airflow.providers.google.cloud.hooks.gcs import GCSHook

        from airflow_media_provider.storage.gcs import GcsStore

        hook = GCSHook(gcp_conn_id=self.gcp_conn_id, impersonation_chain=self.impersonation_chain)
        return GcsStore(hook.get_conn())
