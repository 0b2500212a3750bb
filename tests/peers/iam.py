"""The part of Google's IAM that lends a service account's token to another account."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.peers.images import serving


@dataclass
class Iam:
    """The server, and what it was asked for.

    :param endpoint: where it lends, in the form that the client library writes it.
    :param token: what it lends.
    :param asked: account -> the accounts on the way to it.
    """

    endpoint: str = ""
    token: str = "lent"
    asked: dict[str, list[str]] = field(default_factory=dict)


@contextlib.contextmanager
def iam_server() -> Iterator[Iam]:
    """Lend a token to whoever shows one."""
    iam = Iam()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            account, _, action = self.path.rpartition("/")[2].partition(":")
            right = self.headers.get("Authorization", "").startswith("Bearer ")
            if action == "generateAccessToken" and right:
                prefix = "projects/-/serviceAccounts/"
                iam.asked[account] = [name.removeprefix(prefix) for name in request["delegates"] or ()]
                answer = {"accessToken": iam.token, "expireTime": "2999-01-01T00:00:00Z"}
                self._answer(200, answer)
            else:
                self._answer(403, {})

        def _answer(self, status: int, content: dict[str, str]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Handler) as port:
        iam.endpoint = f"http://127.0.0.1:{port}/v1/projects/-/serviceAccounts/{{}}:generateAccessToken"
        yield iam
