"""Connections whose clients are slow, greedy, in a hurry or no HTTP clients: told so, and let go of in time."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
import pytest
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from api import protocol
from api.problems import MEDIA_TYPE
from api.protocol import AHEAD_MAX, HEAD_BYTES_MAX, Lines, Protocol

LARGE = 2**24  # more than the kernel holds for a connection
GET = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n"
PATIENCE = 0.3


class House:
    """A server of one small app, and what its connections share. ``begun``: requests the app was called for."""

    def __init__(self, **given: Any) -> None:
        bounds = {"total": 1_000, "each": 1_000, "proxies": (), "patience": PATIENCE, "unread": 2**40}
        self.lines = Lines(**bounds | given)
        self.begun: list[str] = []
        self.ended: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        self.begun.append(path)
        if path == "/slow":
            await asyncio.sleep(0.1)
        if path == "/listen":
            while (await receive())["type"] != "http.disconnect":
                pass
        if path == "/body":
            while (await receive()).get("more_body", False):
                pass
        body = b"x" * LARGE if path == "/large" else path.encode()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": path == "/early"})
        if path == "/early":
            await asyncio.sleep(0.1)
            await send({"type": "http.response.body", "body": b""})
        self.ended.append(path)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[House]:
        config = uvicorn.Config(self, http=Protocol, ws="none", lifespan="off", log_config=None, access_log=False)
        config.load()
        self.state = state = ServerState()

        class Line(Protocol):
            lines = self.lines

        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Line(config, state, {}), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for line in list(state.connections):
                line.transport.abort()  # type: ignore[union-attr]

    async def connect(self, source: str = "127.0.0.1") -> Client:
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        line.bind((source, 0))
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", self.port))
        return Client(line)


class Client:
    """A connection, byte for byte."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self._loop = asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        with suppress(ConnectionError):
            await self._loop.sock_sendall(self.line, data)

    async def some(self, most: int = 65_536) -> bytes:
        """What comes next; empty once the service has closed the connection."""
        try:
            return await asyncio.wait_for(self._loop.sock_recv(self.line, most), 5)
        except ConnectionError:
            return b""

    async def all(self) -> bytes:
        """What comes until the service closes the connection."""
        received = b""
        while part := await self.some():
            received += part
        return received

    async def exchange(self, data: bytes) -> bytes:
        await self.send(data)
        return await self.all()

    def close(self) -> None:
        self.line.close()


def played(play: Callable[[House], Awaitable[None]], **given: Any) -> House:
    """Let a client play against a house; the house, as it was left."""

    async def run() -> House:
        async with House(**given).open() as house:
            await asyncio.wait_for(play(house), 20)
            return house

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def code_in(answer: bytes, status: int) -> str:
    """The code of the one answer, a problem with this status that ends the connection."""
    assert len(re.findall(rb"HTTP/1\.1 \d", answer)) == 1
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert first.startswith(f"HTTP/1.1 {status} ")
    assert (headers["content-type"], headers["connection"]) == (MEDIA_TYPE, "close")
    assert headers["content-length"] == str(len(body))
    members = orjson.loads(body)
    assert members["status"] == status
    return str(members["code"])


def bodies(answer: bytes) -> list[str]:
    """The bodies of answers by the app."""
    return [part.partition(b"\r\n\r\n")[2].decode() for part in answer.split(b"HTTP/1.1 200")[1:]]


# -- what is no HTTP ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"hello\r\n\r\n",
        b"FETCH / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET /\xe4\xbd\xa0 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno chunk",
    ],
)
def test_what_is_no_http_is_answered_with_a_problem(sent: bytes) -> None:
    async def play(house: House) -> None:
        assert code_in(await (await house.connect()).exchange(sent), 400) == "request_malformed"

    played(play)


def test_a_head_without_end_is_answered_with_a_problem() -> None:
    async def play(house: House) -> None:
        line = await house.connect()
        await line.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        for _ in range(HEAD_BYTES_MAX // 4_096 + 1):
            await line.send(b"X: " + b"y" * 4_091 + b"\r\n")
            await asyncio.sleep(0.001)
        assert code_in(await line.all(), 431) == "head_too_large"

    assert played(play, patience=5).begun == []


def test_what_was_read_before_is_answered_first_and_nothing_after() -> None:
    async def play(house: House) -> None:
        line = await house.connect()
        assert bodies(await line.exchange(GET % b"/slow" + GET % b"/2" + b"nonsense\r\n\r\n" + GET % b"/3")) == [
            "/slow",
            "/2",
        ]

    assert played(play).begun == ["/slow", "/2"]


def test_a_body_that_breaks_while_an_answer_is_under_way_does_not_put_another_into_it() -> None:
    broken = b"POST %b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def play(house: House) -> None:
        for path in (b"/", b"/early"):
            line = await house.connect()
            await line.send(broken % path)
            begun = await line.some()
            assert begun.endswith(path)
            assert await line.exchange(b"no chunk") == b""

    played(play)


def test_a_wish_to_speak_another_protocol_is_not_met_and_the_answer_says_so() -> None:
    async def play(house: House) -> None:
        for wish in (b"websocket", b"h2c"):
            head = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n" % wish
            answer = await (await house.connect()).exchange(head + GET % b"/next")
            assert bodies(answer) == ["/x"]
            assert b"connection: close" in answer
        head = b"POST /body HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\n"
        assert bodies(await (await house.connect()).exchange(head + b"body")) == ["/body"]

    assert "/next" not in played(play).begun


def test_requests_far_ahead_of_their_answers_are_not_collected() -> None:
    async def play(house: House) -> None:
        answers = bodies(await (await house.connect()).exchange(GET % b"/slow" + GET % b"/" * 1_000))
        assert answers == ["/slow", *["/"] * AHEAD_MAX]

    assert len(played(play).begun) == 1 + AHEAD_MAX


def test_that_a_client_has_gone_is_told_to_the_request_that_is_being_answered() -> None:
    async def play(house: House) -> None:
        line = await house.connect()
        await line.send(GET % b"/listen" + GET % b"/next")
        await asyncio.sleep(0.05)
        line.close()
        await asyncio.sleep(0.05)
        assert house.begun == house.ended == ["/listen"]

    played(play)


# -- how many ----------------------------------------------------------------------------------------------------


async def fill(house: House, count: int, source: str = "127.0.0.1") -> list[Client]:
    """So many connections, each of which was answered."""
    lines = [await house.connect(source) for _ in range(count)]
    for line in lines:
        await line.send(GET % b"/")
        assert bodies(await line.some()) == ["/"]
    return lines


def test_an_address_has_only_its_share_of_connections_and_gets_it_back() -> None:
    async def play(house: House) -> None:
        lines = await fill(house, 3)
        assert code_in(await (await house.connect()).exchange(GET % b"/"), 429) == "connections_too_many"
        lines += await fill(house, 3, "127.0.0.2")
        lines[0].close()
        await asyncio.sleep(0.05)
        lines += await fill(house, 1)
        assert code_in(await (await house.connect()).all(), 429) == "connections_too_many"

    played(play, each=3, patience=5)


def test_a_proxy_has_any_number() -> None:
    async def play(house: House) -> None:
        assert len(await fill(house, 5)) == 5

    played(play, each=3, proxies=("127.0.0.1",), patience=5)


def test_there_are_only_so_many_connections_in_all() -> None:
    async def play(house: House) -> None:
        lines = [*await fill(house, 2), *await fill(house, 2, "127.0.0.2")]
        assert code_in(await (await house.connect("127.0.0.3")).exchange(GET % b"/"), 503) == "connections_full"
        lines[0].close()
        await asyncio.sleep(0.05)
        assert len(await fill(house, 1, "127.0.0.3")) == 1

    played(play, total=4, patience=5)


def test_connections_that_are_over_are_counted_no_more() -> None:
    async def play(house: House) -> None:
        for _ in range(5):
            for line in await fill(house, 3):
                line.close()
            await asyncio.sleep(0.02)
        assert not house.lines._open

    played(play, each=3, patience=5)


# -- answers that are not read -------------------------------------------------------------------------------------


def test_an_answer_that_nobody_reads_is_dropped() -> None:
    async def play(house: House) -> None:
        line = await house.connect()
        await line.send(GET % b"/large")
        await asyncio.sleep(0.1)
        assert len(house.lines._unread) == 1
        await asyncio.sleep(PATIENCE + 0.1)
        assert not house.lines._unread
        assert not house.lines._open
        assert len(await line.all()) < LARGE

    played(play)


def test_an_answer_that_is_read_too_slowly_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "SLOWEST", 2**30)

    async def play(house: House) -> None:
        line = await house.connect()
        received = 0
        await line.send(GET % b"/large")
        while part := await line.some():
            received += len(part)
            await asyncio.sleep(0.01 if house.lines._open else 0)
        assert received < LARGE

    played(play)


def test_an_answer_that_is_read_slowly_but_steadily_arrives() -> None:
    async def play(house: House) -> None:
        line = await house.connect()
        received = 0
        await line.send(GET % b"/large")
        while received < LARGE and (part := await line.some(2**20)):
            received += len(part)
            await asyncio.sleep(0.0005)
        assert received >= LARGE
        assert not house.lines._unread

    played(play)


def test_an_answer_after_which_the_connection_is_closed_is_dropped_in_time_as_well() -> None:
    async def play(house: House) -> None:
        line = await house.connect()
        await line.send(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(PATIENCE + 0.2)
        assert not house.lines._open
        assert len(await line.all()) < LARGE

    played(play)


def test_the_last_bytes_of_a_closed_connection_are_dropped_in_time_as_well() -> None:
    async def play(house: House) -> None:
        line = await house.connect()
        await asyncio.sleep(0.05)
        for one in house.state.connections:
            one._wire.set_write_buffer_limits(2 * LARGE)  # type: ignore[union-attr]
        await line.send(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(PATIENCE / 2)
        assert house.lines._open
        assert not house.lines._unread
        await asyncio.sleep(PATIENCE)
        assert not house.lines._open
        assert len(await line.all()) < LARGE

    played(play)


def test_of_answers_that_wait_the_longest_is_dropped_if_there_are_too_many() -> None:
    async def play(house: House) -> None:
        lines = []
        for _ in range(3):
            lines.append(await house.connect())
            await lines[-1].send(GET % b"/large")
            await asyncio.sleep(0.1)
        assert len(house.lines._unread) == 2
        assert [len(await line.all()) > LARGE for line in lines[:1]] == [False]
        received = 0
        while received < LARGE and (part := await lines[2].some(2**20)):
            received += len(part)
        assert received >= LARGE

    played(play, unread=2 * LARGE, patience=5)


def test_what_does_not_fit_waits_for_the_client_and_not_in_memory() -> None:
    async def play(house: House) -> None:
        line = await house.connect()
        await line.send(GET % b"/large" * 10)
        await asyncio.sleep(0.2)
        assert house.begun == ["/large"] * 2  # the second waits to be written
        assert house.ended == ["/large"]

    played(play, patience=5)
