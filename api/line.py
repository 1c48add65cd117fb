"""A line between two processes: whole messages over a socket pair, for one end that may wait and one that must not.

A message is its length in eight bytes, big-endian, and so many bytes of pickle: only processes of one service speak
here. A batch of statements or of receipts is larger than what a socket holds at a time. An event loop that read or
wrote it in one go would stand still until the other side, perhaps without a core, had done its part; so :class:`Line`
waits, and :class:`Asking` takes what is there and goes on.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
from collections import deque
from typing import Any

_LENGTH = 8
_AT_ONCE = 2**18  # bytes read at a time: more than a socket holds


class Gone(Exception):
    """The other side is no longer there."""


def _framed(message: Any) -> bytes:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(_LENGTH) + data


class Line:
    """One end, which waits. Both ways raise ``Gone``."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end

    def send(self, message: Any) -> None:
        try:
            self.end.sendall(_framed(message))
        except OSError:
            raise Gone from None

    def receive(self) -> Any:
        return pickle.loads(self._exactly(int.from_bytes(self._exactly(_LENGTH))))  # noqa: S301 - it is one of ours

    def _exactly(self, length: int) -> bytearray:
        data = bytearray(length)
        rest = memoryview(data)
        try:
            while rest:
                count = self.end.recv_into(rest)
                if not count:
                    raise Gone
                rest = rest[count:]
        except OSError:
            raise Gone from None
        return data


class Asking:
    """One end on an event loop: questions are answered in the order in which they were asked.

    Belongs to the loop it is made on until :meth:`leave`, and does not close the socket.
    """

    def __init__(self, end: socket.socket) -> None:
        self.loop = asyncio.get_running_loop()
        self._end = end
        self._asked: deque[asyncio.Future[Any]] = deque()
        self._unsent: deque[memoryview] = deque()
        self._read = bytearray()
        self._gone = False
        end.setblocking(False)
        self.loop.add_reader(end.fileno(), self._readable)

    async def ask(self, message: Any) -> Any:
        """The answer to a message. Raises ``Gone``."""
        if self._gone:
            raise Gone
        answer = self.loop.create_future()
        self._asked.append(answer)
        self._unsent.append(memoryview(_framed(message)))
        if len(self._unsent) == 1:
            self._writable()
        return await answer

    def leave(self) -> None:
        """Let go of the socket, which waits again. Whoever still waits for an answer hears that it is ``Gone``."""
        if not self._gone:
            self._gone = True
            self.loop.remove_reader(self._end.fileno())
            self.loop.remove_writer(self._end.fileno())
            self._end.setblocking(True)
            for answer in self._asked:
                if not answer.done():
                    answer.set_exception(Gone())

    def _writable(self) -> None:
        try:
            while self._unsent:
                count = self._end.send(self._unsent[0])
                if count == len(self._unsent[0]):
                    self._unsent.popleft()
                else:
                    self._unsent[0] = self._unsent[0][count:]
        except BlockingIOError:
            self.loop.add_writer(self._end.fileno(), self._writable)
            return
        except OSError:
            self.leave()
            return
        self.loop.remove_writer(self._end.fileno())

    def _readable(self) -> None:
        try:
            data = self._end.recv(_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.leave()
            return
        self._read += data
        while len(self._read) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._read[:_LENGTH])
            if len(self._read) < end:
                return
            message = pickle.loads(memoryview(self._read)[_LENGTH:end])  # noqa: S301 - it is one of ours
            del self._read[:end]
            answer = self._asked.popleft()
            if not answer.done():  # else nobody waits for it any more
                answer.set_result(message)
