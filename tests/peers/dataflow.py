"""As much of Dataflow's REST API as starting, finding, draining and stopping jobs takes; nothing is run."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.peers.http_server import PeerHandler, serving

PATH = re.compile(r"/v1b3/projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+)/jobs(?:/(?P<job>[^/]+))?")
NEXT = {"JOB_STATE_DRAINED": "JOB_STATE_DRAINING", "JOB_STATE_CANCELLED": "JOB_STATE_CANCELLING"}
ACTIVE = ("JOB_STATE_RUNNING", *NEXT.values())


@dataclass(slots=True)
class DataflowServer:
    """The jobs, and what was asked of them.

    :param port: Beam's client turns to TLS unless the host is the word localhost.
    :param refusal: why no job can be created; empty = it can.
    """

    port: int = 0
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    refusal: str = ""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://localhost:{self.port}"

    def asked(self, method: str) -> list[Any]:
        """Return the bodies of requests of a method."""
        return [body for how, _, body in self.requests if how == method]

    def end(self, job_id: str) -> None:
        """Bring a job to the end that was asked for."""
        ends = {after: wanted for wanted, after in NEXT.items()}
        self.jobs[job_id]["currentState"] = ends[self.jobs[job_id]["currentState"]]

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        """Return status and content for a request."""
        url = urlsplit(target)
        found = PATH.match(url.path)
        if found is None:
            return 404, {"error": {"code": 404, "message": f"no {url.path} here"}}
        if url.path.endswith("/messages"):
            return 200, {}
        if found["job"] is None:
            return self._create(body) if method == "POST" else (200, self._list(parse_qs(url.query)))
        job = self.jobs.get(found["job"])
        if job is None:
            return 404, {"error": {"code": 404, "message": "no such job"}}
        if method == "PUT":
            job["currentState"] = NEXT[body["requestedState"]]
        return 200, job

    def _create(self, body: Any) -> tuple[int, Any]:
        if self.refusal:
            return 403, {"error": {"code": 403, "message": self.refusal}}
        if any(job["name"] == body["name"] and job["currentState"] in ACTIVE for job in self.jobs.values()):
            return 409, {"error": {"code": 409, "message": "There is already an active job of that name."}}
        job_id = f"2026-{len(self.jobs) + 1:04}"
        self.jobs[job_id] = {
            "id": job_id, "name": body["name"], "type": "JOB_TYPE_STREAMING",
            "currentState": "JOB_STATE_RUNNING", "clientRequestId": body.get("clientRequestId", ""),
        }  # fmt: skip
        return 200, self.jobs[job_id]

    def _list(self, query: dict[str, list[str]]) -> Any:
        active = query.get("filter") == ["ACTIVE"]
        return {"jobs": [j for j in self.jobs.values() if not active or j["currentState"] in ACTIVE]}


@contextlib.contextmanager
def dataflow_server() -> Iterator[DataflowServer]:
    """Start a server without jobs."""
    server = DataflowServer()

    class Handler(PeerHandler):
        def respond(self) -> None:
            sent = self.sent()
            body = json.loads(sent) if sent else None
            server.requests.append((self.command, self.path, body))
            self.answer_json(*server.answer(self.command, self.path, body))

    with serving(Handler) as server.port:
        yield server
