"""A process beside the service that answers what it is asked, one message at a time.

It runs a function of ours in an interpreter of its own, so its work takes no turn from the event loop. It ends when
the service closes the line to it, or dies: nothing is left behind by a service that was killed. Where it comes from:
``api.forks``.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from api import forks
from api.line import Asking, Gone, Line

__all__ = ["HELD", "Beside", "Gone", "Kept", "calm", "live"]

Serve = Callable[..., Callable[[Any], Any]]
"""Called once in the process, with the arguments given; what it returns answers each message."""

HELD = ExitStack()
"""What such a process has open for as long as it lives; closed before its line is."""


class Beside:
    """One process. It answers messages in the order in which they come."""

    def __init__(self, serve: Serve, *arguments: Any) -> None:
        """Starts it. Does not wait until it is ready: see :meth:`ready`."""
        self.pid, end = forks.fork()
        self._line = Line(end)
        self._asking: Asking | None = None
        with suppress(Gone):  # ``ready`` will say so
            self._line.send((serve, arguments))

    @classmethod
    def started(cls, serve: Serve, *arguments: Any) -> Beside:
        """One that is ready. Raises what :meth:`ready` raises, and then leaves none behind."""
        process = cls(serve, *arguments)
        try:
            process.ready()
        except BaseException:
            process.end()
            raise
        return process

    def ready(self) -> None:
        """Wait until the process can be asked. Raises what ``serve`` raised there, or ``Gone``."""
        failure = self._line.receive()
        if failure is not None:
            raise failure

    async def ask(self, message: Any) -> Any:
        """The answer to a message. Raises ``Gone``."""
        if self._asking is None or self._asking.loop is not asyncio.get_running_loop():
            self._asking = Asking(self._line.end)
        return await self._asking.ask(message)

    def ask_now(self, message: Any) -> Any:
        """The answer to a message, waited for. Not while the line is asked on an event loop. Raises ``Gone``."""
        self._line.send(message)
        return self._line.receive()

    def leave(self) -> None:
        """Before :meth:`end` is called in another thread than that of the event loop it is asked on."""
        if self._asking is not None and not self._asking.loop.is_closed():
            self._asking.leave()
        self._asking = None

    def end(self) -> None:
        """Close the line, and wait until the process has finished what it was doing and has let go of everything."""
        self.leave()
        end = self._line.end
        end.setblocking(True)
        with suppress(OSError):
            end.shutdown(socket.SHUT_WR)
            while end.recv(2**16):
                """It was answering."""
        end.close()


class Kept:
    """A process beside the service that is started when it is needed, and replaced when it has died. ``pid``: if any.

    All of one event loop.
    """

    def __init__(self, serve: Serve, *arguments: Any) -> None:
        self._serve = serve, arguments
        self._beside: Beside | None = None

    @property
    def pid(self) -> int | None:
        return None if self._beside is None else self._beside.pid

    async def start(self) -> None:
        """See to it that there is one. Raises what :meth:`Beside.started` raises."""
        if self._beside is None:
            serve, arguments = self._serve
            self._beside = await asyncio.to_thread(Beside.started, serve, *arguments)

    async def ask(self, message: Any) -> Any:
        """The answer of the one that was started. Raises ``Gone`` if it died, and has let go of it then."""
        assert self._beside is not None
        try:
            return await self._beside.ask(message)
        except Gone:
            await self.end()
            raise

    def kill(self) -> None:
        """Whatever it is doing."""
        if self._beside is not None:
            with suppress(ProcessLookupError):
                os.kill(self._beside.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Wait until it has finished what it was doing, and has let go of everything."""
        ended, self._beside = self._beside, None
        if ended is not None:
            ended.leave()
            await asyncio.to_thread(ended.end)


def calm() -> None:
    """Keep the garbage collector from what is there for good, and from looking at each batch several times over.

    A request leaves no cycles behind; with Python's own thresholds a tenth of a busy process's time goes into looking.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def live(end: socket.socket) -> None:
    """The whole life of such a process. Leaves the line open: that it closes says that the process has ended."""
    for one in (signal.SIGINT, signal.SIGTERM):  # they may go to the whole group: it is the service that decides
        signal.signal(one, signal.SIG_IGN)
    line = Line(end)
    with suppress(Gone), HELD:
        try:
            serve, arguments = line.receive()
            answer = serve(*arguments)
        except Gone:
            raise
        except Exception as failure:
            line.send(failure)
            return
        line.send(None)
        calm()
        while True:
            line.send(answer(line.receive()))
