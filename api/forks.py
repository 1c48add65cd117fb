"""The fork server: a process of one thread that has imported what others need, and makes each of them by a fork.

So a process starts in milliseconds, and shares the memory of what was imported. Forking the service itself would not
do: it has threads, whose locks a fork would copy in whatever state they are. ``prepare`` forks the fork server from a
service that has no threads yet, which costs nothing; without it, or after its end, one is started from scratch.

It is asked through a socket, which brings the line that the process shall serve. It ends when the service closes that
socket or dies. What it forked is nobody's child to wait for; that a process has ended is seen by its line.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

NEEDED = ("api.verifiers", "api.writing")  # what the processes of a service import

_PID_BYTES = 8

Live = Callable[[socket.socket], None]

_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from api import forks; forks.started(int(sys.argv[2]))"
)

_starting = threading.Lock()
_server: socket.socket | None = None
_forked = 0  # the process it is, or was, if it was forked from this one
_process: subprocess.Popen[bytes] | None = None  # if it was started from scratch


def prepare() -> None:
    """Import what the processes need, and fork the server from this process.

    Does nothing if there is one, or if this process has threads: then the first to need one starts it from scratch.
    """
    global _server, _forked
    if _server is not None or threading.active_count() > 1:
        return
    _import()
    ours, theirs = socket.socketpair()
    gc.freeze()  # collections after the fork leave alone what both share
    _forked = os.fork()
    if _forked == 0:
        ours.close()
        _do_and_end(_serve, theirs)
    theirs.close()
    _server = ours


def fork() -> tuple[int, socket.socket]:
    """Make a process that serves one end of a line (``api.process``); returns its id and the other end.

    Starts a fork server if there is none, which takes a second. Raises ``OSError`` if that cannot be.
    """
    global _server
    with _starting:
        for _ in range(2):
            if _server is None:
                _server = _start()
            ours, theirs = socket.socketpair()
            with suppress(OSError), theirs:
                socket.send_fds(_server, [b"\0"], [theirs.fileno()])
                if told := _server.recv(_PID_BYTES):
                    return int.from_bytes(told), ours
            ours.close()  # if it was killed after it had forked: what it forked ends
            _server.close()
            _server = None
    raise OSError("the fork server cannot be started")


def _start() -> socket.socket:
    global _process, _forked
    if _forked:  # it has ended: let no zombie stay
        with suppress(ChildProcessError):
            os.waitpid(_forked, 0)
        _forked = 0
    if _process is not None:
        _process.wait()
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-c", _START, json.dumps(sys.path), str(theirs.fileno())]
    _process = subprocess.Popen(  # noqa: S603 - it is this program
        command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
    )
    theirs.close()
    return ours


def started(descriptor: int) -> None:
    """The whole life of a fork server that was started from scratch."""
    _import()
    gc.freeze()
    _serve(socket.socket(fileno=descriptor))


def _import() -> None:
    for module in NEEDED:
        import_module(module)


def _serve(asked: socket.socket) -> None:
    """Fork a process for each line that comes, until the service is gone."""
    for one in (signal.SIGINT, signal.SIGTERM):  # they may go to the whole group: it is the service that decides
        signal.signal(one, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what ends is not waited for
    with suppress(OSError):  # the service may be gone at any step
        while True:
            data, descriptors, _, _ = socket.recv_fds(asked, 1, 1)
            if not data:
                return
            end = socket.socket(fileno=descriptors[0])
            pid = os.fork()
            if pid == 0:
                asked.close()
                _do_and_end(_live, end)
            end.close()
            asked.send(pid.to_bytes(_PID_BYTES))


def _live(end: socket.socket) -> None:
    from api.process import live

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    live(end)


def _do_and_end(work: Live, end: socket.socket) -> NoReturn:
    """In a process just forked: do this, and never return to what its parent was doing."""
    status = 1
    try:
        work(end)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
