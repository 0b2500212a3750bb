"""Airflow's REST API, as far as tests and the demo use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.waiting import PATIENCE_S, wait_until

ENDED = frozenset({"success", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRun:
    """One DAG run as the API tells it.

    :param state: ``queued``, ``running``, ``success`` or ``failed``.
    """

    dag_id: str
    run_id: str
    state: str
    conf: Mapping[str, Any]
    logical_date: str | None
    partition_key: str | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> DagRun:
        """Return the run in one API answer."""
        return cls(
            dag_id=data["dag_id"],
            run_id=data["dag_run_id"],
            state=data["state"],
            conf=data.get("conf") or {},
            logical_date=data.get("logical_date"),
            partition_key=data.get("partition_key"),
        )


class AirflowClient:
    """Calls one api-server; every error carries the server's own words.

    :param url: ``http://127.0.0.1:PORT``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # A user's proxy settings must not send loopback calls elsewhere.
        self._http = httpx.Client(base_url=url, timeout=120, trust_env=False)
        self._token: str | None = None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def login(self, username: str, password: str) -> None:
        """Take a token for a user; not needed where everybody is an administrator."""
        answer = self._http.post("/auth/token", json={"username": username, "password": password})
        self._token = answer.raise_for_status().json()["access_token"]

    def call(self, method: str, path: str, **parts: Any) -> Any:
        """Return the JSON answer of one call under ``/api/v2``."""
        if self._token is None:
            self._token = self._http.get("/auth/token").raise_for_status().json()["access_token"]
        answer = self._http.request(
            method, f"/api/v2{path}", headers={"Authorization": f"Bearer {self._token}"}, **parts
        )
        if answer.is_error:
            raise RuntimeError(f"{method} {path} answered {answer.status_code}: {answer.text[:2000]}")
        return answer.json() if answer.content else None

    def health(self) -> dict[str, str | None]:
        """Return component -> status."""
        answer = self._http.get("/api/v2/monitor/health", timeout=5).raise_for_status().json()
        return {name: (part or {}).get("status") for name, part in answer.items()}

    def dags(self) -> list[str]:
        """Return the ids of all DAGs that the dag-processor has stored."""
        return [dag["dag_id"] for dag in self.call("GET", "/dags", params={"limit": 1000})["dags"]]

    def import_errors(self) -> dict[str, str]:
        """Return file -> stack trace of the DAG files that could not be read."""
        errors = self.call("GET", "/importErrors")["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in errors}

    def wait_for_dag(self, dag_id: str) -> None:
        """Return when a DAG is known; fail with the import errors when it does not come."""
        try:
            wait_until(lambda: dag_id in self.dags(), what=f"DAG {dag_id} was not read")
        except TimeoutError as error:
            raise TimeoutError(f"{error}; import errors: {self.import_errors()}") from None

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run a DAG."""
        self.call("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None, **more: Any) -> DagRun:
        """Start a run as the trigger form does: no logical date, every field of the form in ``conf``."""
        body = {"logical_date": None, "conf": dict(conf or {}), **more}
        return DagRun.read(self.call("POST", f"/dags/{dag_id}/dagRuns", json=body))

    def runs(self, dag_id: str) -> list[DagRun]:
        """Return all runs of a DAG, oldest first."""
        answer = self.call("GET", f"/dags/{dag_id}/dagRuns", params={"limit": 1000, "order_by": "id"})
        return [DagRun.read(data) for data in answer["dag_runs"]]

    def run(self, dag_id: str, run_id: str) -> DagRun:
        """Return one run."""
        return DagRun.read(self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}"))

    def wait_for_run(self, run: DagRun, *, patience: float = PATIENCE_S, every: float = 0.5) -> DagRun:
        """Return the run once it ended, green or red."""

        def ended() -> DagRun | None:
            now = self.run(run.dag_id, run.run_id)
            return now if now.state in ENDED else None

        what = f"run {run.run_id} of {run.dag_id} did not end"
        try:
            return wait_until(ended, patience=patience, what=what, every=every)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; tasks: {self.task_states(run)}") from None

    def tasks(self, run: DagRun) -> list[dict[str, Any]]:
        """Return the task instances of a run, as the API tells them."""
        path = f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances"
        return list(self.call("GET", path, params={"limit": 1000})["task_instances"])

    def task_states(self, run: DagRun) -> dict[str, str | None]:
        """Return task id -> state."""
        return {task["task_id"]: task["state"] for task in self.tasks(run)}

    def xcoms(self, run: DagRun, task_id: str) -> dict[str, Any]:
        """Return key -> value of all that a task handed on."""
        base = f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}/xcomEntries"
        keys = [entry["key"] for entry in self.call("GET", base)["xcom_entries"]]
        return {
            key: self.call("GET", f"{base}/{key}", params={"deserialize": "true"})["value"] for key in keys
        }

    def log(self, run: DagRun, task_id: str, attempt: int = 1) -> str:
        """Return one task's log as text, with the messages of exceptions."""
        path = f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}/logs/{attempt}"
        content = self.call("GET", path, params={"full_content": "true"})["content"]
        return "\n".join(line if isinstance(line, str) else _log_line(line) for line in content)

    def story(self, run: DagRun) -> str:
        """Return the state of every task of a run and the logs of those that failed."""
        tasks = sorted(self.tasks(run), key=lambda task: str(task["start_date"]))
        lines = [f"{task['task_id']}: {task['state']}, from {task['start_date']}" for task in tasks]
        failed = [task["task_id"] for task in tasks if task["state"] == "failed"]
        logs = [f"--- {task_id}\n{self.log(run, task_id)}" for task_id in failed]
        return "\n".join([f"{run.run_id} of {run.dag_id} is {run.state}", *lines, *logs])

    def asset_events(self, **query: Any) -> list[dict[str, Any]]:
        """Return asset events, oldest first."""
        params = {"limit": 1000, "order_by": "timestamp", **query}
        return list(self.call("GET", "/assets/events", params=params)["asset_events"])


def _log_line(line: Mapping[str, Any]) -> str:
    errors = [f"{error['exc_type']}: {error['exc_value']}" for error in line.get("error_detail") or ()]
    return "\n".join([str(line.get("event", line)), *errors])
