"""A process beside the service that answers what it is asked, one message at a time.

It runs a function of ours in an interpreter of its own, so its work takes no turn from the event loop. It ends when
the service closes the line to it, or dies: nothing is left behind by a service that was killed.

Processes are forked from one that has imported what they need and has a single thread (multiprocessing's fork server):
safe whatever threads the service runs, and a matter of milliseconds. ``prepare`` has those imports made beside the
service's own.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection
from typing import Any

Serve = Callable[..., Callable[[Any], Any]]
"""Called once in the process, with the arguments given; what it returns answers each message."""

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["api.verifiers", "api.writing"])


def prepare() -> None:
    """Begin to import what the processes need, and return at once. Without it the first of them waits for that."""
    forkserver.ensure_running()


class Gone(Exception):
    """The process ended before it answered."""


class Beside:
    """One process. Not to be asked a second question before it has answered the first."""

    def __init__(self, serve: Serve, *arguments: Any) -> None:
        """Starts it. Blocks until the process runs, but not until it is ready: see :meth:`ready`."""
        self._line, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_live, args=(theirs, serve, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def ready(self) -> None:
        """Wait until the process can be asked. Raises what ``serve`` raised there, or ``Gone``."""
        try:
            failure = self._line.recv()
        except (EOFError, OSError):
            raise Gone from None
        if failure is not None:
            raise failure

    async def ask(self, message: Any) -> Any:
        """The answer to a message. Raises ``Gone``."""
        try:
            self._line.send(message)
            await self._readable()
            return self._line.recv()  # it is on its way as a whole
        except (EOFError, OSError):
            raise Gone from None

    async def _readable(self) -> None:
        loop, line = asyncio.get_running_loop(), self._line.fileno()
        readable = asyncio.Event()
        loop.add_reader(line, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(line)
            os.set_blocking(line, True)  # uvloop leaves it otherwise

    def ask_now(self, message: Any) -> Any:
        """The answer to a message, waited for. Raises ``Gone``."""
        try:
            self._line.send(message)
            return self._line.recv()
        except (EOFError, OSError):
            raise Gone from None

    def end(self) -> None:
        """Close the line, and wait until the process has finished what it was doing."""
        self._line.close()
        self._process.join()

    @property
    def pid(self) -> int | None:
        return self._process.pid


def calm() -> None:
    """Keep the garbage collector from what is there for good, and from looking at each batch several times over.

    A request leaves no cycles behind; with Python's own thresholds a tenth of a busy process's time goes into looking.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _live(line: Connection, serve: Serve, arguments: tuple[Any, ...]) -> None:
    for one in (signal.SIGINT, signal.SIGTERM):  # they may go to the whole group: it is the service that decides
        signal.signal(one, signal.SIG_IGN)
    try:
        answer = serve(*arguments)
    except Exception as failure:
        line.send(failure)
        return
    with suppress(EOFError, OSError):
        line.send(None)
        calm()
        while True:
            line.send(answer(line.recv()))
