"""Processes beside the service: they end with it, however it ends, and are prepared beside its own start."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.process import Beside, Gone, Kept
from tests.api.house import House
from tests.api.running import running
from tests.processes import end_soon, family, lives, seen_through_proc

pytestmark = seen_through_proc


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "stopped"])
def test_no_process_outlives_the_service(killed: bool, tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger")
    with running(house, workers=2) as service:
        below = list(family(service.process.pid))
        assert len(below) >= 3  # a writer and two verifiers at least
        service.kill() if killed else service.stop()
        end_soon(below)


def doubling() -> Callable[[int], int]:
    return lambda number: 2 * number


def refusing() -> Callable[[Any], Any]:
    raise ValueError("not today")


def dying() -> Callable[[Any], Any]:
    os._exit(1)


def test_it_answers_each_message() -> None:
    process = Beside(doubling)
    process.ready()
    assert [process.ask_now(number) for number in (1, 2, 3)] == [2, 4, 6]
    process.end()
    assert process.pid is not None
    assert not lives(process.pid)


def test_what_keeps_it_from_starting_is_raised_here() -> None:
    process = Beside(refusing)
    with pytest.raises(ValueError, match="not today"):
        process.ready()
    process.end()


def test_one_that_dies_is_gone() -> None:
    process = Beside(dying)
    with pytest.raises(Gone):
        process.ready()
    process.end()


def test_messages_larger_than_a_socket_holds_do_not_stop_the_event_loop() -> None:
    async def main() -> None:
        process = Beside(bytes_of_both)
        await asyncio.to_thread(process.ready)
        ticks = 0
        answers = asyncio.gather(process.ask(b"a" * 10_000_000), process.ask(b"b" * 3))
        while not answers.done():
            await asyncio.sleep(0)
            ticks += 1
        assert [len(answer) for answer in answers.result()] == [20_000_000, 6]
        assert ticks > 10
        process.end()

    asyncio.run(main())


def bytes_of_both() -> Callable[[bytes], bytes]:
    return lambda message: message * 2


def test_it_is_asked_on_one_event_loop_after_the_other_and_between_them() -> None:
    process = Beside(doubling)
    process.ready()
    for number in range(3):
        assert asyncio.run(process.ask(number)) == 2 * number
    process.end()


def test_whoever_waits_hears_of_its_end() -> None:
    async def main() -> None:
        process = Beside(dying_when_asked)
        await asyncio.to_thread(process.ready)
        answers = await asyncio.gather(process.ask(1), process.ask(2), return_exceptions=True)
        assert [type(answer) for answer in answers] == [Gone, Gone]
        with pytest.raises(Gone):
            await process.ask(3)
        process.end()

    asyncio.run(main())


def dying_when_asked() -> Callable[[Any], Any]:
    return lambda _: os._exit(1)


def test_one_that_is_kept_is_started_once_and_replaced_when_it_died() -> None:
    async def main() -> None:
        kept = Kept(doubling)
        kept.kill()  # there is none yet
        await kept.start()
        first = kept.pid
        await kept.start()
        assert (kept.pid, await kept.ask(3)) == (first, 6)
        kept.kill()
        with pytest.raises(Gone):
            await kept.ask(4)
        assert kept.pid is None
        await kept.start()
        assert kept.pid not in (None, first)
        assert await kept.ask(4) == 8
        await kept.end()
        assert kept.pid is None

    asyncio.run(main())


def test_what_they_import_is_neither_the_framework_nor_the_command_line() -> None:
    process = Beside(eval, "lambda _: set(__import__('sys').modules)")  # a function of this file would bring it along
    process.ready()
    modules = process.ask_now(None)
    process.end()
    assert {"api.verifiers", "api.writing"} <= modules
    assert not {"fastapi", "starlette", "uvicorn", "httpx", "typer"} & modules
