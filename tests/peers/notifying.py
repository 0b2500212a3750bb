"""The part of Google Cloud Storage that keeps a bucket's notifications, which no emulator has."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from tests.peers.http_server import PeerHandler, serving


@contextlib.contextmanager
def notifying_storage(bucket: str, configs: list[dict[str, Any]], *, status: int = 200) -> Iterator[str]:
    """Serve the notifications of one bucket; ``configs`` gets those that are made.

    :param status: another answer than success, to every question.
    """

    class Handler(PeerHandler):
        def respond(self) -> None:
            if self.command == "POST":
                self._make()
            else:
                self._answer({"kind": "storage#notifications", "items": configs})

        def _make(self) -> None:
            made = json.loads(self.sent())
            if status == 200:
                configs.append({**made, "id": str(len(configs) + 1)})
            self._answer({**made, "id": str(len(configs))})

        def _answer(self, content: dict[str, Any]) -> None:
            there = self.path.partition("?")[0] == f"/storage/v1/b/{bucket}/notificationConfigs"
            code = status if there else 404
            refusal = {"error": {"code": code, "message": "no"}}
            self.answer_json(code, content if code == 200 else refusal)

    with serving(Handler) as port:
        yield f"http://127.0.0.1:{port}"
