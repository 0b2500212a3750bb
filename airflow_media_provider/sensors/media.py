"""The task that looks at what a job has made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_media_provider.compat import (
    AirflowException,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)
from airflow_media_provider.hooks.registry import read_graph
from airflow_media_provider.links.media import MediaPlanLink
from airflow_media_provider.operators.request import check_arguments, lines
from airflow_media_provider.triggers.look import OutputLook
from airflow_media_provider.triggers.media import MediaOutputTrigger

if TYPE_CHECKING:
    from airflow_media_provider.compat import Context


class MediaOutputSensor(BaseSensorOperator):
    """Look at which artifacts of a job exist: one bulk listing, never a question per file.

    **In a plan** (``plan``): narrow the job's manifest to what is still missing and has its inputs. XCom:
    ``{"manifest": URI, "run": n, "present": n, "blocked": n, "items": n, "coverage": r}``. It never skips for
    lack of work; that is for :class:`MediaBeamOperator` to say, so that the jobs after it still look.

    **On its own** (``registry`` and a selection): wait until the job's artifacts are there. XCom:
    ``{"items": n, "present": n, "coverage": r}``.

    :param job: name in the registry.
    :param plan: URI of a run's folder, from ``MediaPlanOperator``.
    :param registry: path of the registry, or ``package.module:NAME``.
    :param overlay: overlay of the registry.
    :param items: ids, or text with one per line.
    :param items_uri: URI of a list file.
    :param prefix: prefix or glob over the source.
    :param min_coverage: go on when this share of the items is there, 0 to 1; 0 = one look.
    :param deferrable: wait in the triggerer; default ``[operators] default_deferrable``.
    :param gcp_conn_id: Google connection, for ``gs://``.
    :param impersonation_chain: service account to act as, or a chain of them.
    """

    template_fields: Sequence[str] = (
        "plan", "registry", "overlay", "items", "items_uri", "prefix",
        "gcp_conn_id", "impersonation_chain",
    )  # fmt: skip
    operator_extra_links = (MediaPlanLink(),)
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        job: str,
        plan: str | None = None,
        registry: str | None = None,
        overlay: str | None = None,
        items: Sequence[str] | str | None = None,
        items_uri: str | None = None,
        prefix: str | None = None,
        min_coverage: float = 1.0,
        deferrable: bool | None = None,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (plan is None) == (registry is None):
            raise ValueError(f"task {self.task_id!r}: give either plan, or registry and a selection")
        check_arguments(
            self.task_id, required=registry is not None,
            selectors={"items": items, "items_uri": items_uri, "prefix": prefix},
        )  # fmt: skip
        if not 0 <= min_coverage <= 1:
            raise ValueError(f"task {self.task_id!r}: min_coverage {min_coverage!r} is not between 0 and 1")
        self.job = job
        self.plan = plan
        self.registry = registry
        self.overlay = overlay
        self.items = items
        self.items_uri = items_uri
        self.prefix = prefix
        self.min_coverage = min_coverage
        self.deferrable = (
            conf.getboolean("operators", "default_deferrable", fallback=False)
            if deferrable is None
            else deferrable
        )
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    def execute(self, context: Context) -> Any:
        """Look once; then wait here or in the triggerer."""
        found = self.poke(context)
        if found.is_done:
            return found.xcom_value
        if not self.deferrable:
            result = super().execute(context)
            self._say(result)  # the counts are the log's last words, not the base class's
            return result
        trigger = MediaOutputTrigger.of(
            self._look(), min_coverage=self.min_coverage, poll_interval=self.poke_interval
        )
        self.defer(trigger=trigger, method_name="execute_complete", timeout=self._timeout())
        return None

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Return what the trigger found."""
        if "error" in event:
            raise AirflowException(event["error"])
        self._say(event)
        return event

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""
        from airflow_media_provider.errors import MediaError

        if self.plan is not None and not self.plan:
            raise AirflowSkipException("there is no plan; see the plan task")
        try:
            found = self._look().take()
        except MediaError as error:
            raise AirflowException(str(error)) from error
        if not found["items"] and self.min_coverage:
            raise AirflowException(f"job {self.job!r} is not on the line of the plan {self.plan}")
        self._say(found)
        return PokeReturnValue(is_done=found["coverage"] >= self.min_coverage, xcom_value=found)

    def _look(self) -> OutputLook:
        google: dict[str, Any] = {
            "gcp_conn_id": self.gcp_conn_id, "impersonation_chain": self.impersonation_chain,
        }  # fmt: skip
        if self.plan is not None:
            return OutputLook(job=self.job, plan=self.plan, **google)
        from airflow_media_provider.registry.snapshot import dump_graph

        graph = read_graph(str(self.registry), overlay=self.overlay, dag=self.dag)
        request = {
            "items": None if self.items is None else lines(self.items),
            "items_uri": self.items_uri,
            "prefix": self.prefix,
            "targets": [self.job],
        }
        return OutputLook(job=self.job, graph=dump_graph(graph), request=request, **google)

    def _say(self, found: dict[str, Any]) -> None:
        if "run" in found:
            self.log.info(
                "%s: %d to run, %d present, %d blocked",
                self.job, found["run"], found["present"], found["blocked"],
            )  # fmt: skip
        else:
            self.log.info("%s: %d of %d items", self.job, found["present"], found["items"])

    def _timeout(self) -> Any:
        from datetime import timedelta

        return self.timeout if isinstance(self.timeout, timedelta) else timedelta(seconds=self.timeout)
