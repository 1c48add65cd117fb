"""The front: what every request passes first, and the three routes that are answered before any framework.

A request gets its id and pays at its address's bucket; whatever it ends in, the answer carries the id, and nothing
leaves here as anything but an answer or a problem. Handing in a statement, fetching a receipt and the proof of how a
subject stands are asked for so often that the framework's share would be the larger part: they call the same functions
as their FastAPI routes, which stay for OpenAPI.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable
from typing import Any

import structlog
from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.entries import receipt_reply
from api.limits import network_of
from api.problems import Reply, reply_to
from api.proofs import proof_reply
from api.service import Service
from api.statements import submit_one
from ledger.errors import Problem, Unavailable, declare

declare(
    "service",
    address_too_fast=("this address sends more than the service takes from one", "send it again, more slowly"),
)

_SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_RECEIPT = re.compile(r"/v1/entries/(0|[1-9][0-9]{0,14})/receipt")
_PROOF = re.compile(r"/v1/subjects/([a-z]+_[0-9a-z]{26})/proof")
_FREE = frozenset({"/health", "/ready", "/metrics"})  # asked by machines that watch

log = structlog.get_logger("cadastre.front")


class Front:
    """An ASGI app before another; the service is at ``state.service``."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self.app = app
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # the server leaves the body out
        service: Service = self.state.service
        answer = _Answer(send, request_id_of(scope), service, asked_as_somebody=_names_asker(scope))
        try:
            if scope["path"] not in _FREE:
                service.addresses.spend(address_of(scope), "address_too_fast")
            structlog.contextvars.clear_contextvars()
            structlog.contextvars.bind_contextvars(request_id=answer.request_id)
            hot = hot_reply(service, scope, receive)
            if hot is not None:
                await answer.reply(await hot)
                return
            await self.app(scope, receive, answer.send)
        except Problem as problem:
            await answer.problem(problem, scope)
        except Exception as mistake:
            log.exception("a mistake of ours", path=scope["path"], request_id=answer.request_id)
            await answer.problem(Unavailable("internal_error", type(mistake).__name__), scope)


class _Answer:
    """The way back: puts the request's id on the answer and counts it.

    What somebody was shown who said who they are is kept by no cache on the way, whatever the route says of it: a
    proxy would show it to others (RFC 9111 section 3.5).
    """

    __slots__ = ("_ended", "_own", "_send", "_service", "_started", "request_id")

    def __init__(self, send: Send, request_id: bytes, service: Service, *, asked_as_somebody: bool) -> None:
        self._send = send
        self._own = asked_as_somebody
        self._service = service
        self._started = self._ended = False
        self.request_id = request_id.decode()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._started = True
            headers = [*message["headers"], (b"x-request-id", self.request_id.encode())]
            if self._own:
                headers = [one for one in headers if one[0] != b"cache-control"] + [(b"cache-control", b"no-store")]
            message["headers"] = headers
            self._service.metrics.requests.labels(str(message["status"])).inc()
        elif message["type"] == "http.response.body":
            self._ended = not message.get("more_body", False)
        await self._send(message)

    async def reply(self, reply: Reply) -> None:
        headers = [
            (b"content-type", reply.media_type.encode()),
            (b"content-length", b"%d" % len(reply.body)),
            *((name.lower().encode(), value.encode()) for name, value in reply.headers),
        ]
        await self.send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": reply.body})

    async def problem(self, problem: Problem, scope: Scope) -> None:
        if self._ended:
            return
        if self._started:  # half an answer cannot be taken back: break it off, so that nobody takes it for whole
            raise problem
        await self.reply(reply_to(problem, scope["path"]))


def hot_reply(service: Service, scope: Scope, receive: Receive) -> Awaitable[Reply] | None:
    """The reply to one of the hot routes; None for all others."""
    path, method = scope["path"], scope["method"]
    if method == "POST" and path == "/v1/statements":
        return submit_one(service, scope, receive)
    if method != "GET" or service.charter.readers != "public":
        return None
    if found := _RECEIPT.fullmatch(path):
        return receipt_reply(service, int(found[1]))
    if not scope["query_string"] and (found := _PROOF.fullmatch(path)):
        return proof_reply(service, found[1])
    return None


def request_id_of(scope: Scope) -> bytes:
    """The id the client gave its request, if it is a sane one; else one of ours."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE_ID.fullmatch(value):
            return bytes(value)
    return secrets.token_hex(8).encode()


def _names_asker(scope: Scope) -> bool:
    return any(name == b"authorization" for name, _ in scope["headers"])


def address_of(scope: Scope) -> str:
    """The network a request comes from, as far as it is known: what limits count."""
    client: tuple[str, Any] | None = scope.get("client")
    return network_of(client[0]) if client else ""
