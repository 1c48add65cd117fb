"""The door of a witness (C2SP tlog-witness): an app of its own, apart from any ledger's.

    POST /add-checkpoint                        submission prefix: this address
    GET  /<hex SHA-256 of origin>/checkpoint    monitoring prefix: this address
    GET  /    /seen    /evidence/<number>       what it has seen: a page for people, JSON, evidence in full
    GET  /health                                that it can remember

Refusals are problems, as those of a ledger's service; only 409 is told in a size, as the specification has it.
"""

from __future__ import annotations

import re
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from api import logs, problems, server, witness_page
from api.front import address_of
from api.kinds import refusal
from api.limits import Buckets, read_body
from api.service import software
from api.settings import Settings
from identity.note import format_vkey
from ledger.errors import Absent, Problem
from ledger.log.witness import REQUEST_BYTES_MAX, OldOther
from ledger.witness.memory import Evidence, Kept, log_id
from ledger.witness.witness import Sight, Witness

TEXT = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"
_NUMBER = re.compile(r"[0-9]{1,18}")
PUBLIC = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}

log = structlog.get_logger("cadastre.witness")


def create_app(witness: Witness, settings: Settings) -> FastAPI:
    """The app of one witness, which stays its opener's to close."""
    app = FastAPI(title="Cadastre witness", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    problems.install(app)
    door = _Door(witness, settings)
    app.add_route("/add-checkpoint", door.add_checkpoint, methods=["POST"])
    app.add_route("/", door.page)
    app.add_route("/seen", door.seen)
    app.add_route("/evidence/{number}", door.evidence)
    app.add_route("/health", door.health)
    app.add_route("/{log}/checkpoint", door.checkpoint)
    app.add_api_route("/v1/refusals/{code}", refusal)
    buckets = Buckets(settings.address_rate, settings.address_burst, time.monotonic)
    app.add_middleware(_Paced, buckets=buckets)
    return app


def serve(witness: Witness, settings: Settings, listening: Callable[[str], None] | None = None) -> None:
    """Serve a witness until told to stop (SIGINT, SIGTERM). ``listening`` is called with the URL once it answers."""
    logs.configure(settings.log_level)
    server.run(create_app(witness, settings), settings, listening)


def alarm(evidence: Evidence) -> None:
    """A line in the log for evidence that was kept."""
    told = {"origin": evidence.origin, "size": evidence.size, "root": b64encode(evidence.root).decode()}
    if evidence.proven:
        log.error("the log signed two histories", **told)
    else:
        log.warning("a checkpoint with a wrong proof", **told)


class _Door:
    def __init__(self, witness: Witness, settings: Settings) -> None:
        self._witness = witness
        self._settings = settings

    async def add_checkpoint(self, request: Request) -> Response:
        body = await read_body(request.scope, request.receive, REQUEST_BYTES_MAX, self._settings.body_seconds)
        try:
            lines = await run_in_threadpool(self._witness.add_checkpoint, body)
        except OldOther as other:
            return Response(f"{other.size}\n", 409, {"Content-Type": SIZE})  # Starlette would add a charset
        except Problem as problem:
            log.info("refused", code=problem.code, detail=problem.detail)
            raise
        return Response(lines, media_type=TEXT)

    def checkpoint(self, request: Request) -> Response:
        found = self._witness.checkpoint(request.path_params["log"])
        return Response(found, media_type=TEXT, headers=PUBLIC)

    def page(self, _: Request) -> Response:
        text = witness_page.page(self._witness.name, self._vkeys(), self._witness.seen())
        return Response(text, media_type="text/html", headers=PUBLIC | witness_page.HEADERS)

    def seen(self, _: Request) -> Response:
        found = [_members(sight) for sight in self._witness.seen()]
        return _json({"name": self._witness.name, "vkeys": self._vkeys(), "software": software(), "logs": found})

    def evidence(self, request: Request) -> Response:
        named = request.path_params["number"]
        if not _NUMBER.fullmatch(named):
            raise Absent("evidence_absent", named[:100])
        number = int(named)
        found = self._witness.evidence(number)
        full = {
            "request": found.request.decode(),
            "checkpoint": found.checkpoint.decode(),
            "against": found.against.decode() if found.against is not None else None,
        }
        return _json({"origin": found.origin} | _evidence(found) | full)

    def health(self, _: Request) -> Response:
        self._witness.check_ready()
        return _json({"status": "ok"})

    def _vkeys(self) -> list[str]:
        return [format_vkey(verifier) for verifier in self._witness.verifiers]


def _members(sight: Sight) -> dict[str, Any]:
    last = sight.last
    return {
        "origin": sight.origin,
        "known": sight.known,
        "size": last.size if last else None,
        "root": b64encode(last.root).decode() if last else None,
        "time": last.time if last else None,
        "checkpoint": f"/{log_id(sight.origin)}/checkpoint" if last else None,
        "evidence": [_evidence(one) for one in sight.evidence],
    }


def _evidence(one: Kept) -> dict[str, Any]:
    return {
        "number": one.number,
        "proven": one.proven,
        "size": one.size,
        "root": b64encode(one.root).decode(),
        "time": one.time,
    }


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json", headers=PUBLIC)


class _Paced:
    """Lets each address ask so often and no more; but for those who look after the witness."""

    def __init__(self, app: ASGIApp, buckets: Buckets) -> None:
        self.app = app
        self._buckets = buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != "/health":
            try:
                self._buckets.spend(address_of(scope), "address_too_fast")
            except Problem as problem:
                await problems.reply_of(problem).response()(scope, receive, send)
                return
        await self.app(scope, receive, send)
