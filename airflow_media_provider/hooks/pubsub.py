"""From Airflow's connections to Pub/Sub."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from airflow_media_provider.compat import BaseHook


class MediaPubSub(BaseHook):
    """Clients of Google Pub/Sub, with the Google connection; or of the emulator that the environment names.

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

    @cached_property
    def _hook(self) -> Any:
        from airflow.providers.google.cloud.hooks.pubsub import PubSubHook

        return PubSubHook(gcp_conn_id=self.gcp_conn_id, impersonation_chain=self.impersonation_chain)

    def publisher(self) -> Any:
        """Return a ``PublisherClient``."""
        return self._hook.get_conn()

    def subscriber(self) -> Any:
        """Return a ``SubscriberClient``."""
        return self._hook.subscriber_client
