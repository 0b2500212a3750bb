"""The task that waits for uploads, for DAGs that are not woken by assets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_media_provider.compat import AirflowException, BaseSensorOperator
from airflow_media_provider.hooks.registry import read_graph
from airflow_media_provider.registry.model import Uploads
from airflow_media_provider.registry.ours import ours
from airflow_media_provider.triggers.uploads import MediaUploadTrigger

if TYPE_CHECKING:
    from airflow_media_provider.compat import Context


class MediaUploadSensor(BaseSensorOperator):
    """Wait in the triggerer for the next batch of messages that announce uploads.

    XCom: ``{"batch": URI, "items": n, "messages": n, "dead": n, "ignored": n}``; the URI is a list file for
    ``MediaPlanOperator(items_uri="{{ ti.xcom_pull('wait')['batch'] }}")``. It is written before the messages
    are acknowledged, so that nothing is lost when the task or the triggerer dies; a batch that no plan has
    taken up is given to the next one that waits.

    :param registry: path of the registry with its ``uploads``, or ``package.module:NAME``.
    :param overlay: overlay of the registry.
    :param subscription: instead of the registry's.
    :param max_messages: instead of the registry's.
    :param max_wait_s: instead of the registry's.
    :param gcp_conn_id: Google connection.
    :param impersonation_chain: service account to act as, or a chain of them.
    """

    template_fields: Sequence[str] = (
        "registry", "overlay", "subscription",
        "gcp_conn_id", "impersonation_chain",
    )  # fmt: skip
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        registry: str,
        overlay: str | None = None,
        subscription: str | None = None,
        max_messages: int | None = None,
        max_wait_s: float | None = None,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.registry = registry
        self.overlay = overlay
        self.subscription = subscription
        self.max_messages = max_messages
        self.max_wait_s = max_wait_s
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    def execute(self, context: Context) -> None:
        """Hand over to the triggerer at once: messages are collected in one place only."""
        from datetime import timedelta

        timeout: Any = self.timeout
        self.defer(
            trigger=self._trigger(),
            method_name="execute_complete",
            timeout=timeout if isinstance(timeout, timedelta) else timedelta(seconds=timeout),
        )

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Return the batch."""
        self.log.info("%(items)d items of %(messages)d messages: %(batch)s", event)
        return event

    def _trigger(self) -> MediaUploadTrigger:
        graph = read_graph(self.registry, overlay=self.overlay, dag=self.dag)
        uploads = graph.uploads
        subscription = self.subscription or (uploads.subscription if uploads else None)
        if subscription is None:
            raise AirflowException(
                f"task {self.task_id!r}: registry {self.registry!r} names no uploads; give "
                "subscription='projects/PROJECT/subscriptions/SUBSCRIPTION', or add it to the registry"
            )
        given = uploads or Uploads(subscription=subscription)
        return MediaUploadTrigger(
            subscription=subscription,
            root=graph.root,
            source=graph.source,
            ours=ours(graph),
            jobs=graph.order,
            max_messages=self.max_messages or given.max_messages,
            max_wait=given.max_wait_s if self.max_wait_s is None else self.max_wait_s,
            dead_letter_topic=given.dead_letter_topic,
            once=True,
            gcp_conn_id=self.gcp_conn_id,
            impersonation_chain=self.impersonation_chain,
        )
