"""The server: uvicorn on uvloop and httptools, told to say where it listens, to write each answer in one piece, and
to wait for nobody for ever.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.process import calm
from api.settings import Settings

SWITCH_SECONDS = 0.001  # a reader's thread lets the event loop in after so long, not after Python's 5 ms
HEAD_BYTES_MAX = 65_536  # of a request's line and headers, give or take one read
STOP_SECONDS = 20  # requests under way may take so long when the service is told to stop

log = structlog.get_logger("cadastre.server")


def run(app: FastAPI, settings: Settings, listening: Callable[[str], None] | None = None) -> None:
    """Serve an app until told to stop (SIGINT, SIGTERM). ``listening`` is called with the URL once it answers there."""

    class Protocol(_Protocol):
        patience = settings.body_seconds

    sys.setswitchinterval(SWITCH_SECONDS)
    calm()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=Protocol,
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
    """Says where it listens once it does, and stops quietly."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[str], None]) -> None:
        super().__init__(config)
        self._listening = listening

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """A signal to stop ends the service and nothing else: the process goes on to its own end, with its own code."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may hear signals
            return
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._listening(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


class _Protocol(HttpToolsProtocol):
    """Head and body of an answer leave in one piece: each write of its own costs a tenth of a small answer's time.

    A request's head has ``patience`` seconds to arrive, and a bound; its body is ``api.limits``'s to wait for. What is
    left of a request that was answered early has ``patience`` seconds as well. Trailers are nobody's need here: uvicorn
    would collect them without end.
    """

    patience: float
    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True
    _complete = True  # nothing of the request under way is still to come

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_Gathering(transport, self.loop))  # type: ignore[arg-type]
        self._expect_rest()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._complete = True, False
        self._expect_rest()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)
        else:
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._complete = True
        self._stop_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._complete:
            self._expect_rest()

    def data_received(self, data: bytes) -> None:
        if self._deadline is not None and self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX + len(data):
                self.transport.close()
                return
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_rest(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.patience, lambda: self.transport.close())

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            self._head_bytes = 0


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
