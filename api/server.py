"""The server: uvicorn on uvloop and httptools, told to say where it listens and to stop quietly."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.process import calm
from api.protocol import Lines, Protocol
from api.settings import Settings

SWITCH_SECONDS = 0.001  # a reader's thread lets the event loop in after so long, not after Python's 5 ms
READING_MAX = 4  # routes at work in threads: more wait for each other, and the event loop for them all
STOP_SECONDS = 20  # requests under way may take so long when the service is told to stop

log = structlog.get_logger("cadastre.server")


def run(app: FastAPI, settings: Settings, listening: Callable[[str], None] | None = None) -> None:
    """Serve an app until told to stop (SIGINT, SIGTERM). ``listening`` is called with the URL once it answers there."""

    class Line(Protocol):
        lines = Lines(
            settings.connections,
            settings.address_connections,
            ProxyHeadersMiddleware(app, settings.proxies).trusted_hosts,  # type: ignore[arg-type]
            settings.body_seconds,
            settings.answer_bytes,
        )

    sys.setswitchinterval(SWITCH_SECONDS)
    calm()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=Line,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies,
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
        current_default_thread_limiter().total_tokens = READING_MAX
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._listening(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
