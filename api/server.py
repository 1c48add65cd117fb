"""The server: uvicorn on uvloop and httptools, told to say where it listens and to write each answer at once."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.process import calm
from api.settings import Settings

SWITCH_SECONDS = 0.001  # a reader's thread lets the event loop in after so long, not after Python's 5 ms
STOP_SECONDS = 20  # requests under way may take so long when the service is told to stop

log = structlog.get_logger("cadastre.server")


def run(app: FastAPI, settings: Settings, listening: Callable[[str], None] | None = None) -> None:
    """Serve an app until told to stop (SIGINT, SIGTERM). ``listening`` is called with the URL once it answers there."""
    sys.setswitchinterval(SWITCH_SECONDS)
    calm()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=_Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies,
        limit_concurrency=settings.connections,
        backlog=settings.connections,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    _Server(config, listening or (lambda url: log.info("listening", url=url))).run()


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[str], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._listening(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


class _Protocol(HttpToolsProtocol):
    """Head and body of an answer leave in one piece: each write of its own costs a tenth of a small answer's time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_Gathering(transport, self.loop))  # type: ignore[arg-type]


class _Gathering:
    """A transport that writes what one turn of the event loop brings in one piece."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
