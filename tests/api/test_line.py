"""Lines: whole messages, whatever pieces they come in, and an event loop that never waits for the other side."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from api.line import Asking, Gone, Line

MESSAGES = [None, b"", [1, "\N{SNOWMAN}"], b"x" * 3_000_000]


def played(play: Callable[[Asking, socket.socket], Awaitable[None]]) -> None:
    """Play with one end on an event loop; the other end is a plain socket."""

    async def main() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            asking = Asking(ours)
            await asyncio.wait_for(play(asking, theirs), 20)
            asking.leave()
            assert ours.getblocking()

    asyncio.run(main())


def echo(end: socket.socket) -> threading.Thread:
    """The other side: sends back what it gets until the line is closed."""

    def work() -> None:
        line = Line(end)
        try:
            while True:
                line.send(line.receive())
        except Gone:
            return

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_messages_of_any_size_pass_both_ways() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        thread = echo(theirs)
        with ours:
            line = Line(ours)
            for message in MESSAGES:
                line.send(message)
                assert line.receive() == message
        thread.join()


def test_questions_are_answered_in_order_though_none_waits_for_the_one_before() -> None:
    async def play(asking: Asking, theirs: socket.socket) -> None:
        thread = echo(theirs)
        assert await asyncio.gather(*(asking.ask(message) for message in MESSAGES * 2)) == MESSAGES * 2
        theirs.shutdown(socket.SHUT_RDWR)
        await asyncio.to_thread(thread.join)

    played(play)


def test_an_answer_that_comes_byte_by_byte_is_one_answer() -> None:
    async def play(asking: Asking, theirs: socket.socket) -> None:
        first, second = (asyncio.ensure_future(asking.ask(question)) for question in "ab")
        await asyncio.sleep(0)
        sent = Recorder()
        for answer in ("A", "B"):
            Line(sent).send(answer)  # type: ignore[arg-type]
        for byte in sent.data:
            assert not second.done()
            theirs.send(bytes([byte]))
            await asyncio.sleep(0.0005)
        assert (await first, await second) == ("A", "B")

    played(play)


class Recorder:
    """What is sent, as bytes."""

    data = b""

    def sendall(self, data: bytes) -> None:
        self.data += data


def test_a_question_nobody_reads_does_not_stop_the_event_loop() -> None:
    async def play(asking: Asking, theirs: socket.socket) -> None:
        question = asyncio.ensure_future(asking.ask(b"x" * 10_000_000))
        for _ in range(100):  # the loop goes on though nothing is read
            await asyncio.sleep(0)
        thread = echo(theirs)
        assert len(await question) == 10_000_000
        theirs.shutdown(socket.SHUT_RDWR)
        await asyncio.to_thread(thread.join)

    played(play)


@pytest.mark.parametrize("said", [b"", b"\0\0", b"\0\0\0\0\0\0\0\x09half"])
def test_whoever_waits_hears_when_the_other_side_is_gone(said: bytes) -> None:
    async def play(asking: Asking, theirs: socket.socket) -> None:
        waiting = [asyncio.ensure_future(asking.ask(number)) for number in range(2)]
        await asyncio.sleep(0)
        theirs.recv(2**16)
        theirs.sendall(said)
        theirs.close()
        assert [type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)] == [Gone, Gone]
        with pytest.raises(Gone):
            await asking.ask(3)

    played(play)
    ours, theirs = socket.socketpair()
    with ours:
        theirs.sendall(said)
        theirs.close()
        with pytest.raises(Gone):
            Line(ours).receive()
        with pytest.raises(Gone):
            Line(ours).send(b"x" * 1_000_000)


def test_an_answer_nobody_waits_for_any_more_is_not_taken_for_the_next() -> None:
    async def play(asking: Asking, theirs: socket.socket) -> None:
        given_up = asyncio.ensure_future(asking.ask(1))
        await asyncio.sleep(0)
        given_up.cancel()
        thread = echo(theirs)
        assert await asking.ask(2) == 2
        theirs.shutdown(socket.SHUT_RDWR)
        await asyncio.to_thread(thread.join)

    played(play)


def test_leaving_tells_those_who_wait() -> None:
    async def play(asking: Asking, _: socket.socket) -> None:
        waiting: asyncio.Future[Any] = asyncio.ensure_future(asking.ask(1))
        await asyncio.sleep(0)
        asking.leave()
        with pytest.raises(Gone):
            await waiting

    played(play)
