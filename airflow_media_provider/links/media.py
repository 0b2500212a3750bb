"""From a task to what it wrote, on the run's *Media* tab, and to the remote job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow_media_provider.compat import BaseOperatorLink, XCom, conf

if TYPE_CHECKING:
    from airflow_media_provider.compat import BaseOperator, TaskInstanceKey

REMOTE_JOB_KEY = "remote_job"


def run_page(dag_id: str, run_id: str, anchor: str = "") -> str:
    """Return the address of a run's page in the web application."""
    base = urlsplit(conf.get("api", "base_url", fallback="/")).path.rstrip("/")
    page = f"{base}/media/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"
    return f"{page}#{quote(anchor, safe='')}" if anchor else page


class MediaPlanLink(BaseOperatorLink):
    """The run's plan."""

    name = "Plan"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the run's page."""
        return run_page(ti_key.dag_id, ti_key.run_id)


class MediaReportLink(BaseOperatorLink):
    """The job's outcome and its failed items."""

    name = "Report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the run's page at this job."""
        return run_page(ti_key.dag_id, ti_key.run_id, str(getattr(operator, "job", "")))


class MediaRemoteJobLink(BaseOperatorLink):
    """The job in the console of the service that runs it; empty for a job that ran here."""

    name = "Remote job"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the console's address, from the task itself or from what it pushed."""
        url = getattr(operator, "remote_url", None)
        if url is None:  # an operator as the web server of Airflow 2 knows it
            job: Any = XCom.get_value(key=REMOTE_JOB_KEY, ti_key=ti_key)
            url = job["url"] if isinstance(job, dict) else ""
        return str(url)
