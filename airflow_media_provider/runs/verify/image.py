"""A container image: there, by the HTTP API that every image registry speaks (OCI distribution)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_media_provider.runs.verify.finding import Finding
from airflow_media_provider.runs.verify.peers import TIMEOUT_S, Peers

if TYPE_CHECKING:
    from requests import Response

ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_OK, _DENIED, _MISSING = 200, (401, 403), 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image's name in its parts.

    :param reference: tag or digest.
    """

    host: str
    repository: str
    reference: str

    @classmethod
    def parse(cls, name: str) -> Image:
        """Read ``[host/]repository[:tag][@digest]`` as Docker does."""
        rest, _, digest = name.partition("@")
        first, slash, path = rest.partition("/")
        if slash and ("." in first or ":" in first or first == "localhost"):
            host = first
        else:
            host, path = "docker.io", rest if slash else f"library/{rest}"
        repository, colon, tag = path.rpartition(":")
        if not colon:
            repository, tag = path, "latest"
        return cls(host=host, repository=repository, reference=digest or tag)

    @property
    def url(self) -> str:
        """Where its manifest is; registries on this machine speak plain HTTP."""
        host = "registry-1.docker.io" if self.host == "docker.io" else self.host
        local = host.partition(":")[0] in ("localhost", "127.0.0.1")
        return f"{'http' if local else 'https'}://{host}/v2/{self.repository}/manifests/{self.reference}"


def check_image(what: str, name: str, peers: Peers) -> Finding:
    """Ask the image's registry for the head of its manifest."""
    import requests

    what = f"{what} {name}"
    image = Image.parse(name)
    network = f"check the network, and whether {image.host} is the right registry"
    try:
        answer = _head(image, peers)
    except requests.RequestException as error:
        detail = f"{image.host} does not answer ({type(error).__name__})"
        return Finding(what=what, state="unreachable", detail=detail, fix=network)
    if answer.status_code == _OK:
        return Finding(what=what, state="ok", detail=answer.headers.get("Docker-Content-Digest", ""))
    detail = f"{image.host} answered {answer.status_code} {answer.reason}"
    if answer.status_code == _MISSING:
        fix = f"push it: docker push {name}; or correct sdk_container_image"
        return Finding(what=what, state="missing", detail=detail, fix=fix)
    if answer.status_code in _DENIED:
        fix = f"let {peers.account()} read the repository, or log in: docker login {image.host}"
        return Finding(what=what, state="denied", detail=detail, fix=fix)
    return Finding(what=what, state="unreachable", detail=detail, fix=network)


def _head(image: Image, peers: Peers) -> Response:
    import requests

    login = peers.image_login(image.host)
    headers = {"Accept": ACCEPT}
    answer = requests.head(image.url, headers=headers, timeout=TIMEOUT_S, allow_redirects=True)
    if answer.status_code not in _DENIED:
        return answer
    challenge = answer.headers.get("WWW-Authenticate", "")
    if challenge.lower().startswith("bearer"):
        token = _token(image, dict(_PARAMETER.findall(challenge)), login)
        if token:
            headers["Authorization"] = f"Bearer {token}"
            return requests.head(image.url, headers=headers, timeout=TIMEOUT_S, allow_redirects=True)
    elif login is not None:
        return requests.head(image.url, headers=headers, auth=login, timeout=TIMEOUT_S, allow_redirects=True)
    return answer


def _token(image: Image, challenge: dict[str, str], login: tuple[str, str] | None) -> str | None:
    """Fetch a token for reading one repository, where the registry says that there are some."""
    import requests

    if "realm" not in challenge:
        return None
    wanted = {"service": challenge.get("service", ""), "scope": f"repository:{image.repository}:pull"}
    answer = requests.get(challenge["realm"], params=wanted, auth=login, timeout=TIMEOUT_S)
    if not answer.ok:
        return None
    given = answer.json()
    token: str | None = given.get("token") or given.get("access_token")
    return token
