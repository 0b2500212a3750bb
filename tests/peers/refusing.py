"""Servers that refuse: no emulator knows permissions, so these stand before or instead of one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.peers.http_server import PeerHandler, serving

Deny = Callable[[str, str], bool | int]

CUT = -1
"""Instead of an answer: the connection ends."""

KEPT = ("content-type", "x-goog", "location", "range")
"""Headers of an answer that are passed on."""


def _nothing(method: str, path: str) -> bool:
    return False


@contextlib.contextmanager
def refusing_storage(
    url: str, deny: Deny = _nothing, *, without: str = "", lose: Deny = _nothing, token: str = ""
) -> Iterator[str]:
    """Pass requests on to the storage server at ``url``, but for those that are denied.

    :param deny: is given method and path; True = the answer is 403, a number = that answer, CUT = none.
    :param without: a query parameter that is not passed on.
    :param lose: is given the same; True = the request is passed on, and its answer is lost on the way back.
    :param token: who does not show it is answered 403; after 401 Google's client would ask Google for
        another one.
    """

    class Handler(PeerHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            body = self.sent()
            shown = self.headers.get("Authorization") == f"Bearer {token}"
            refused = 403 if token and not shown else deny(self.command, self.path)
            if refused == CUT:
                self._cut()
                return
            if refused:
                code = 403 if refused is True else refused
                self.answer_json(code, {"error": {"code": code, "message": "not now, or not you"}})
                return
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "accept-encoding")}
            path = self.path
            if without:
                head, _, query = path.partition("?")
                path = f"{head}?{'&'.join(p for p in query.split('&') if not p.startswith(without))}"
            answer = httpx.request(
                self.command, f"{url}{path}", content=body, headers=headers, trust_env=False, timeout=120
            )
            if lose(self.command, self.path):
                self._cut()
                return
            # What the server says of where an object, or an upload, is leads here, too.
            here = f"http://127.0.0.1:{self.server.server_address[1]}"
            kept = {k: v.replace(url, here) for k, v in answer.headers.items() if k.lower().startswith(KEPT)}
            self.answer(answer.status_code, answer.content.replace(url.encode(), here.encode()), kept)

        def _cut(self) -> None:
            self.close_connection = True
            self.connection.close()

    with serving(Handler) as port:
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def refusing_pubsub(granted: tuple[str, ...] = ()) -> Iterator[str]:
    """Serve a Pub/Sub that shows nothing and creates nothing, and says which permissions there are."""
    import grpc
    from google.iam.v1 import iam_policy_pb2

    def permissions(request: object, context: grpc.ServicerContext) -> object:
        wanted = set(request.permissions)  # type: ignore[attr-defined]
        return iam_policy_pb2.TestIamPermissionsResponse(permissions=sorted(wanted & set(granted)))

    def deny(request: object, context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "User not authorized to perform this action.")

    class Handler(grpc.GenericRpcHandler):
        def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            if details.method.endswith("/TestIamPermissions"):
                return grpc.unary_unary_rpc_method_handler(
                    permissions,
                    request_deserializer=iam_policy_pb2.TestIamPermissionsRequest.FromString,
                    response_serializer=iam_policy_pb2.TestIamPermissionsResponse.SerializeToString,
                )
            return grpc.unary_unary_rpc_method_handler(deny)

    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
