"""From Airflow's connections to the clients with which a registry is verified."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_media_provider.compat import BaseHook

if TYPE_CHECKING:
    from airflow_media_provider.runs.verify import Peers

GOOGLE_IMAGES = ("gcr.io", "pkg.dev")


class MediaPeers(BaseHook):
    """Clients of all that a registry may name, with the Google connection.

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

    def peers(self) -> Peers:
        """Return the clients; each connects when it is first asked for."""
        from airflow_media_provider.hooks.media import MediaHook
        from airflow_media_provider.hooks.pubsub import MediaPubSub
        from airflow_media_provider.runs.verify import Peers

        pubsub = MediaPubSub(self.gcp_conn_id, self.impersonation_chain)
        return Peers(
            stores=MediaHook(self.gcp_conn_id, self.impersonation_chain).stores(),
            storage=self._storage,
            publisher=pubsub.publisher,
            subscriber=pubsub.subscriber,
            image_login=self._image_login,
            account=lambda: self._account,
        )

    @cached_property
    def _gcs(self) -> Any:
        from airflow.providers.google.cloud.hooks.gcs import GCSHook

        return GCSHook(gcp_conn_id=self.gcp_conn_id, impersonation_chain=self.impersonation_chain)

    @cached_property
    def _account(self) -> str:
        """Who the connection is, when its credentials say so."""
        from google.auth.exceptions import GoogleAuthError

        from airflow_media_provider.compat import AirflowException

        try:
            email = getattr(self._gcs.get_credentials(), "service_account_email", None)
        except (GoogleAuthError, AirflowException):
            email = None
        return f"serviceAccount:{email}" if email and "@" in email else "serviceAccount:ACCOUNT"

    def _storage(self) -> Any:
        return self._gcs.get_conn()

    def _image_login(self, host: str) -> tuple[str, str] | None:
        """Return what Google's image registries take: a token of the account in a password's place."""
        if not host.endswith(GOOGLE_IMAGES):
            return None
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request

        try:
            credentials = self._gcs.get_credentials()
            credentials.refresh(Request())
        except GoogleAuthError:
            return None  # a public image needs none
        return "oauth2accesstoken", credentials.token
