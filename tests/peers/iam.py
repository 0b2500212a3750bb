"""The part of Google's IAM that lends a service account's token to another account."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.peers.http_server import PeerHandler, serving


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

    class Handler(PeerHandler):
        def respond(self) -> None:
            request = json.loads(self.sent())
            account, _, action = self.path.rpartition("/")[2].partition(":")
            right = self.headers.get("Authorization", "").startswith("Bearer ")
            if action == "generateAccessToken" and right:
                prefix = "projects/-/serviceAccounts/"
                iam.asked[account] = [name.removeprefix(prefix) for name in request["delegates"] or ()]
                lent = {"accessToken": iam.token, "expireTime": "2999-01-01T00:00:00Z"}
                self.answer_json(200, lent)
            else:
                self.answer_json(403, {})

    with serving(Handler) as port:
        iam.endpoint = f"http://127.0.0.1:{port}/v1/projects/-/serviceAccounts/{{}}:generateAccessToken"
        yield iam
