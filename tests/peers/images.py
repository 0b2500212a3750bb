"""An image registry that speaks as much of the OCI distribution API as looking at a manifest takes."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from tests.peers.http_server import PeerHandler, serving

DIGEST = f"sha256:{'0' * 64}"
TOKEN = "token-of-the-registry"


@contextlib.contextmanager
def image_registry(*images: str, login: tuple[str, str] | None = None, basic: bool = False) -> Iterator[str]:
    """Serve the manifests of ``images`` (``repository:tag``), and yield ``host:port``.

    :param login: user and password; None = anybody.
    :param basic: ask for the password itself, not for a token that is bought with it.
    """

    class Handler(PeerHandler):
        def respond(self) -> None:
            if self.command == "HEAD":
                self._show_manifest()
            else:
                self._sell_token()

        def _show_manifest(self) -> None:
            path = urlsplit(self.path).path
            name = path.removeprefix("/v2/").replace("/manifests/", ":")
            if login is not None and self.headers.get("Authorization") not in (
                f"Bearer {TOKEN}",
                _basic(login),
            ):
                port = self.server.server_address[1]
                realm = f'Bearer realm="http://127.0.0.1:{port}/token",service="here"'
                self.answer(401, headers={"WWW-Authenticate": 'Basic realm="here"' if basic else realm})
            elif name in images and "application/vnd.oci.image.index.v1+json" in self.headers["Accept"]:
                self.answer(200, headers={"Docker-Content-Digest": DIGEST})
            else:
                self.answer(404)

        def _sell_token(self) -> None:
            url = urlsplit(self.path)
            scope = parse_qs(url.query).get("scope", [""])[0]
            right = login is None or self.headers.get("Authorization") == _basic(login)
            if url.path == "/token" and right and scope.startswith("repository:") and not basic:
                self.answer_json(200, {"token": TOKEN})
            else:
                self.answer(401)

    with serving(Handler) as port:
        yield f"127.0.0.1:{port}"


def _basic(login: tuple[str, str]) -> str:
    return f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"
