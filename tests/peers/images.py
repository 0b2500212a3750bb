"""An image registry that speaks as much of the OCI distribution API as looking at a manifest takes."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

DIGEST = f"sha256:{'0' * 64}"
TOKEN = "token-of-the-registry"


@contextlib.contextmanager
def image_registry(*images: str, login: tuple[str, str] | None = None, basic: bool = False) -> Iterator[str]:
    """Serve the manifests of ``images`` (``repository:tag``), and yield ``host:port``.

    :param login: user and password; None = anybody.
    :param basic: ask for the password itself, not for a token that is bought with it.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            path = urlsplit(self.path).path
            name = path.removeprefix("/v2/").replace("/manifests/", ":")
            if login is not None and self.headers.get("Authorization") not in (
                f"Bearer {TOKEN}",
                _basic(login),
            ):
                port = self.server.server_address[1]
                realm = f'Bearer realm="http://127.0.0.1:{port}/token",service="here"'
                self._answer(401, {"WWW-Authenticate": 'Basic realm="here"' if basic else realm})
            elif name in images and "application/vnd.oci.image.index.v1+json" in self.headers["Accept"]:
                self._answer(200, {"Docker-Content-Digest": DIGEST})
            else:
                self._answer(404, {})

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            scope = parse_qs(url.query).get("scope", [""])[0]
            right = login is None or self.headers.get("Authorization") == _basic(login)
            if url.path == "/token" and right and scope.startswith("repository:") and not basic:
                self._answer(200, {}, json.dumps({"token": TOKEN}).encode())
            else:
                self._answer(401, {})

        def _answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Handler) as port:
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serve HTTP in a thread, and yield the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _basic(login: tuple[str, str]) -> str:
    return f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"
