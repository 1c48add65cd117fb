"""Problems on the wire: the error tree as RFC 9457 problem+json. HTTP knows errors; errors do not know HTTP.

The family of a code gives the status, a few codes have one of their own. ``type`` leads to the code's page in the
catalogue, so whoever gets a problem can read what it means and what to do next.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from identity.errors import Family
from ledger.errors import Absent, Malformed, Meaning, Problem, Refused, Unavailable, declare

log = structlog.get_logger("cadastre.problems")

MEDIA_TYPE = "application/problem+json"

declare(
    "malformed",
    query_malformed=("a parameter of the request is not of its form", "compare with GET /openapi.json"),
    method_unknown=("this address does not answer to that method", "compare with GET /openapi.json"),
)
declare("absent", route_absent=("there is nothing at this address", "compare with GET /openapi.json"))
declare(
    "service",
    internal_error=(
        "the service made a mistake",
        "send the same bytes again; if it stays, report the X-Request-Id of the answer",
    ),
)

_STATUS_OF_FAMILY: dict[Family, int] = {
    "malformed": 400,
    "unverifiable": 403,
    "absent": 404,
    "rule": 409,
    "corrupt": 500,
    "service": 503,
}
_STATUS_OF_CODE = {
    "readers_members": 401,
    "token_wanted": 401,
    "token_malformed": 401,
    "token_unsigned": 401,
    "token_elsewhere": 401,
    "token_expired": 401,
    "token_spent": 401,
    "token_stale": 401,
    "method_unknown": 405,
    "body_too_slow": 408,
    "body_too_large": 413,
    "batch_too_long": 413,
    "disclosure_too_large": 413,
    "payload_too_large": 413,
    "statement_too_large": 413,
    "media_type_unsupported": 415,
    "witness_proof_wrong": 422,
    "address_too_fast": 429,
    "connections_too_many": 429,
    "signer_too_fast": 429,
    "head_too_large": 431,
    "internal_error": 500,
}
TOLD_MAX = 2_000  # letters of a detail, pointer or subject
RETRY_SECONDS = 1  # what Retry-After says where nothing better is known


class TooFast(Unavailable):
    """Too much at once from one address or signer: try again after ``wait`` seconds."""

    def __init__(self, code: str, detail: str, wait: float) -> None:
        super().__init__(code, detail)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before any framework: the hot routes send it as it is, FastAPI's own wrap it."""

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()

    def response(self) -> Response:
        return Response(self.body, self.status, dict(self.headers), self.media_type)


def status_of(problem: Problem | Meaning) -> int:
    """The HTTP status of a problem, or of a code."""
    return _STATUS_OF_CODE.get(problem.code) or _STATUS_OF_FAMILY[problem.family]


def members_of(problem: Problem) -> dict[str, Any]:
    """The members of the problem document. Those that say nothing are left out."""
    members: dict[str, Any] = {
        "type": f"/v1/refusals/{problem.code}",
        "title": problem.title,
        "status": status_of(problem),
        "code": problem.code,
        "advice": problem.advice,
    }
    members |= {"detail": _short(problem.detail)} if problem.detail else {}
    for name in ("pointer", "subject"):
        if (value := getattr(problem, name)) is not None:
            members[name] = _short(value)
    members |= {"index": problem.index} if problem.index is not None else {}
    signed = problem.refusal if isinstance(problem, Refused) else b""
    return members | ({"refusal": signed.decode()} if signed else {})


def _short(text: str) -> str:
    """What was sent may be told back, but not in full length."""
    return text if len(text) <= TOLD_MAX else text[: TOLD_MAX - 1] + "…"


def reply_of(problem: Problem) -> Reply:
    """The answer to a request that ended in a problem; with Retry-After where trying again helps."""
    status = status_of(problem)
    headers: tuple[tuple[str, str], ...] = ()
    if status in (429, 503):
        wait = problem.wait if isinstance(problem, TooFast) else RETRY_SECONDS
        headers = (("Retry-After", str(max(1, ceil(wait)))),)
    elif status == 401:  # RFC 6750 section 3: of what was wrong with a token more is said than that one is needed
        error = "" if problem.code in ("readers_members", "token_wanted") else ' error="invalid_token"'
        headers = (("WWW-Authenticate", f"Bearer{error}"),)
    elif status in (408, 413):
        headers = (("Connection", "close"),)  # the rest of the body is still on its way
    return Reply(status, orjson.dumps(members_of(problem)), MEDIA_TYPE, headers)


def reply_to(problem: Problem, path: str) -> Reply:
    """The reply to a request; of what is no fault of the asker's, the log tells with its cause."""
    reply = reply_of(problem)
    if reply.status >= 500:
        told = {"code": problem.code, "detail": problem.detail, "cause": str(problem.__cause__ or "")}
        log.warning("refused", path=path, **told)
    return reply


def install(app: FastAPI) -> None:
    """Let every error a route can end in answer with a problem document."""

    @app.exception_handler(Problem)
    def problem(request: Request, error: Problem) -> Response:
        return reply_to(error, request.url.path).response()

    @app.exception_handler(RequestValidationError)
    def query(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        pointer = "".join(f"/{step}" for step in first["loc"])
        return reply_of(Malformed("query_malformed", first["msg"], pointer=pointer)).response()

    @app.exception_handler(Exception)
    def mistake(_: Request, error: Exception) -> Response:  # the front, where it is raised again, puts it in the log
        return reply_of(Unavailable("internal_error", type(error).__name__)).response()

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        path = request.url.path
        if error.status_code == 405:
            response = reply_of(Malformed("method_unknown", f"{request.method} {path}")).response()
            response.headers.update(error.headers or {})
            return response
        return reply_of(Absent("route_absent", path)).response()
