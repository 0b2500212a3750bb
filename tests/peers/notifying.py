"""The part of Google Cloud Storage that keeps a bucket's notifications, which no emulator has."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.peers.images import serving


@contextlib.contextmanager
def notifying_storage(bucket: str, configs: list[dict[str, Any]], *, status: int = 200) -> Iterator[str]:
    """Serve the notifications of one bucket; ``configs`` gets those that are made.

    :param status: another answer than success, to every question.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({"kind": "storage#notifications", "items": configs})

        def do_POST(self) -> None:
            made = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if status == 200:
                configs.append({**made, "id": str(len(configs) + 1)})
            self._answer({**made, "id": str(len(configs))})

        def _answer(self, content: dict[str, Any]) -> None:
            there = self.path.partition("?")[0] == f"/storage/v1/b/{bucket}/notificationConfigs"
            code = status if there else 404
            body = json.dumps(content if code == 200 else {"error": {"code": code, "message": "no"}}).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Handler) as port:
        yield f"http://127.0.0.1:{port}"
