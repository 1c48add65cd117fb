"""The app: every route on one FastAPI, behind the front."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from starlette.types import Receive, Scope, Send

from api import (
    credentials,
    dids,
    disclosures,
    entries,
    health,
    kinds,
    ledger,
    logs,
    openapi,
    problems,
    proofs,
    scitt,
    server,
    statements,
    subjects,
    tlog,
)
from api.deps import check_policy
from api.front import Front
from api.service import Service, software
from api.settings import Settings
from api.writing import Apart


class Cadastre(FastAPI):
    """FastAPI behind the front, which answers the hot routes before the framework sees them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._front = Front(super().__call__, self.state)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._front(scope, receive, send)


def create_app(settings: Settings, service: Service | None = None) -> FastAPI:
    """The app of one ledger. Its lifespan opens the ledger, unless an open one is given, and lets go of it.

    Raises nothing itself; starting it raises what ``Service.open`` raises.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        served = service or Service.open(settings)
        app.state.service = served
        try:
            await served.start()
            yield
            await served.stop()
        finally:
            served.close()

    app = Cadastre(
        title="Cadastre",
        version=software(),
        summary="The land registry for industrial data",
        description=openapi.DESCRIPTION,
        dependencies=[Depends(check_policy)],
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would lead to whatever host the client named
    )
    problems.install(app)
    for part in (
        statements,
        entries,
        disclosures,
        subjects,
        proofs,
        dids,
        credentials,
        tlog,
        scitt,
        kinds,
        ledger,
        health,
        openapi,
    ):
        app.include_router(part.router)
    return app


def serve(settings: Settings, listening: Callable[[str], None] | None = None, begun: Apart | None = None) -> None:
    """Serve a ledger until told to stop (SIGINT, SIGTERM). Raises what ``Service.open`` raises.

    ``listening`` is called with the URL once the service answers there, ``begun`` is as for ``Service.open``.
    """
    logs.configure(settings.log_level)  # first: opening has something to tell
    service = Service.open(settings, begun)
    try:
        server.run(create_app(settings, service), settings, listening)
    finally:
        service.close()
