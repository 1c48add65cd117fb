"""One connection: uvicorn's HTTP protocol, with a bound on all that a client may hold or keep waiting.

What is bounded, and what then happens:

- connections, in all and of one address: ``connections_full``, ``connections_too_many``
- a request's head, its trailers and what frames its chunks: ``head_too_large``; a head that does not come within
  ``patience`` seconds ends the connection
- a request's body: ``api.limits.read_body``; what is left of one after its answer has ``patience`` seconds, too
- requests sent ahead of their answers: those that were read are answered, then the connection ends
- an answer that waits for its client to read: dropped if less than ``SLOWEST`` bytes a second are read, or if answers
  wait for too many bytes in all and this one has waited longest

What is no HTTP is answered with a problem as well, ``request_malformed``.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter, OrderedDict
from collections.abc import Callable, Container
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from api.limits import SLOWEST, network_of
from api.problems import reply_of
from ledger.errors import Malformed, Problem, Unavailable, declare

HEAD_BYTES_MAX = 65_536  # of a request's line and headers, give or take one read
AHEAD_MAX = 32  # requests that wait for the answers to those before
GATHERED_MAX = 65_536  # bytes of an answer that wait for the end of the event loop's turn

declare(
    "malformed",
    request_malformed=("this is no HTTP request", "write HTTP/1.1 as in RFC 9112"),
    head_too_large=("the request's line and headers are too large", "send fewer or shorter headers"),
)
declare(
    "service",
    connections_full=("the service has as many connections as it takes", "connect again in a moment"),
    connections_too_many=(
        "this address has as many connections as it may",
        "use one connection for many requests, or close some",
    ),
)


class Lines:
    """What the connections of one server share. Not thread-safe: for one event loop.

    At most ``total`` connections, at most ``each`` of one address, unless it is among ``proxies``; ``patience`` in
    seconds; ``unread``: bytes of answers that may wait for their clients.
    """

    def __init__(self, total: int, each: int, proxies: Container[str], patience: float, unread: int) -> None:
        self.patience = patience
        self._total = total
        self._each = each
        self._proxies = proxies
        self._open: Counter[str] = Counter()  # connections by address
        self._unread_max = unread
        self._unread: OrderedDict[Protocol, int] = OrderedDict()  # bytes that wait, longest first

    def take(self, address: str) -> None:
        """Count a connection. Raises ``Unavailable`` (``connections_full``, ``connections_too_many``)."""
        if self._open.total() >= self._total:
            raise Unavailable("connections_full", f"{self._total} are open")
        network = network_of(address)
        if self._open[network] >= self._each and address not in self._proxies:
            raise Unavailable("connections_too_many", f"{self._each} are open from {network}")
        self._open[network] += 1

    def give_back(self, address: str) -> None:
        """Count a connection no more."""
        network = network_of(address)
        self._open[network] -= 1
        if not self._open[network]:
            del self._open[network]

    def hold(self, line: Protocol, unread: int) -> None:
        """So many bytes wait for this client. If that is too much in all, who has waited longest is given up."""
        self._unread[line] = unread
        while sum(self._unread.values()) > self._unread_max:
            longest, _ = self._unread.popitem(last=False)
            longest.give_up()

    def let_go(self, line: Protocol) -> None:
        """No more than a few bytes wait for this client."""
        self._unread.pop(line, None)


class Protocol(HttpToolsProtocol):
    """Give each server a class of its own, with its ``lines``."""

    lines: Lines
    _address = ""
    _counted = False
    _served: RequestResponseCycle | None = None  # the request that is being answered, or was last
    _wire: asyncio.Transport  # the transport itself; ``transport`` gathers before it writes
    _deadline: asyncio.TimerHandle | None = None  # of what is to come from the client
    _reading: asyncio.TimerHandle | None = None  # of what the client is to read
    _between = 0  # bytes that came since the last byte of a body: of a head, of trailers, of what frames a chunk
    _in_head = True
    _complete = True  # nothing of the request under way is still to come
    _broken = False  # what comes after is not read

    # -- the connection --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._wire = transport
        _give_up_unread(transport, self.lines.patience)
        super().connection_made(_Gathering(transport, self.loop, self._linger))  # type: ignore[arg-type]
        self._address = self.client[0] if self.client else ""
        try:
            self.lines.take(self._address)
        except Problem as problem:
            self._broken = True
            self._answer(problem)
        else:
            self._counted = True
            self._expect_rest()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._counted:
            self.lines.give_back(self._address)
        self._stop_waiting()
        self._all_read()
        self.pipeline.clear()
        if self._served is not None:  # uvicorn tells only the request that came last
            self._served.disconnected = True
            self._served.message_event.set()
        super().connection_lost(exc)

    def give_up(self) -> None:
        """End the connection, whatever waits to be read."""
        self._wire.abort()

    # -- what comes ------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._broken:
            return
        if self._between > HEAD_BYTES_MAX:
            self._break(Malformed("head_too_large", f"at most {HEAD_BYTES_MAX} bytes"))
            return
        self._between += len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._broken = True  # the request is answered as if it had not asked; what follows is of another protocol
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            self._break(cause if isinstance(cause, Problem) else Malformed("request_malformed"))
        except httptools.HttpParserError as error:
            self._break(Malformed("request_malformed", str(error)))

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= AHEAD_MAX:
            raise Malformed("request_malformed", f"more than {AHEAD_MAX} requests wait for their answers")
        super().on_message_begin()
        self._in_head, self._complete = True, False
        self._expect_rest()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)
        else:  # trailers are nobody's need here, and would be collected without end
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        if [name for name, _ in self.headers].count(b"host") != 1 and self.parser.get_http_version() == "1.1":
            raise Malformed("request_malformed", "it must have one Host header (RFC 9112 section 3.2)")
        super().on_headers_complete()
        self._in_head, self._between = False, 0
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._served = cycle
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        self._between = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._complete, self._between = True, 0
        self._stop_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._complete:
            self._expect_rest()

    def _expect_rest(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.lines.patience, lambda: self.transport.close())

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _break(self, problem: Problem) -> None:
        """Read no more. What was read whole is answered first; else the answer is this problem."""
        self._broken = True
        self._stop_waiting()
        in_body = not (self._in_head or self._complete)
        if self.cycle is not None and not self.cycle.response_complete and (self.pipeline or not in_body):
            self.cycle.keep_alive = False
        elif in_body and self.cycle.response_started:
            self.transport.close()
        else:
            self._answer(problem)

    # -- what goes -------------------------------------------------------------------------------------------

    def _answer(self, problem: Problem) -> None:
        """Write a problem before any request is at hand, and close."""
        reply = reply_of(problem)
        headers = {b"content-type": reply.media_type.encode(), b"content-length": b"%d" % len(reply.body)}
        headers |= {name.lower().encode(): value.encode() for name, value in reply.headers} | {b"connection": b"close"}
        lines = [b"%b: %b\r\n" % pair for pair in (*self.server_state.default_headers, *headers.items())]
        self.transport.write(b"".join([STATUS_LINE[reply.status], *lines, b"\r\n", reply.body]))
        self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_reading(self._wire.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._all_read()
        self._linger()

    def _expect_reading(self, unread: int) -> None:
        """The client has ``patience`` seconds for a good part of what waits, and again for the next."""
        patience = self.lines.patience
        self._reading = self.loop.call_later(patience, self._check_reading, unread - int(SLOWEST * patience))
        self.lines.hold(self, unread)

    def _check_reading(self, most: int) -> None:
        unread = self._wire.get_write_buffer_size()
        if unread > most:
            self.give_up()
        else:
            self._expect_reading(unread)

    def _all_read(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        self.lines.let_go(self)

    def _linger(self) -> None:
        """Once closed: the last bytes have ``patience`` seconds to be read, too."""
        if self._reading is None and self._wire.is_closing() and self._wire.get_write_buffer_size():
            self._reading = self.loop.call_later(self.lines.patience, self.give_up)


def _give_up_unread(transport: asyncio.Transport, seconds: float) -> None:
    """Let the kernel, too, hold bytes only so long for a client that reads nothing (Linux; RFC 5482)."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        line = transport.get_extra_info("socket")
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, max(1, int(seconds * 1_000)))


class _Gathering:
    """A transport that writes what one turn of the event loop brings in one piece: head and body of an answer leave
    together, since each write of its own costs a tenth of a small answer's time. Much is written at once.
    """

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, closed: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._closed = closed
        self._parts: list[bytes] = []
        self._length = 0

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)
        self._length += len(data)
        if self._length > GATHERED_MAX:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._transport.close()
        self._closed()

    def _flush(self) -> None:
        if self._parts and not self._transport.is_closing():
            self._transport.write(b"".join(self._parts))
        self._parts.clear()
        self._length = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
