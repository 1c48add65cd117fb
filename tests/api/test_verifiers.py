"""Verifier processes: verdicts in step, and processes that die."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest

from api import verifiers as module
from api.verifiers import Verifiers, verdict_on
from ledger.errors import Problem
from tests.cast import played_life
from tests.processes import end_soon


def run(play: Callable[[Verifiers], Awaitable[None]], workers: int = 1) -> None:
    async def main() -> None:
        verifiers = Verifiers(workers)
        await verifiers.open()
        try:
            await play(verifiers)
        finally:
            await verifiers.close()
        assert verifiers.all == []

    asyncio.run(main())


def codes(verdicts: list[Problem | None]) -> list[str | None]:
    return [verdict and verdict.code for verdict in verdicts]


SENT = [*played_life()[:3], b"x", played_life()[3][:-1], played_life()[4]]
CODES = [None, None, None, "statement_malformed", "base64url_malformed", None]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_verdicts_come_in_step_with_their_pointers(workers: int) -> None:
    async def play(verifiers: Verifiers) -> None:
        verdicts = await verifiers.verify(SENT)
        assert codes(verdicts) == CODES
        assert verdicts[4] is not None
        assert verdicts[4].pointer == "/signature"

    run(play, workers)


def test_many_lists_at_once_are_shared_out() -> None:
    async def play(verifiers: Verifiers) -> None:
        found = await asyncio.gather(*(verifiers.verify(SENT) for _ in range(10)))
        assert [codes(verdicts) for verdicts in found] == [CODES] * 10

    run(play, 2)


def test_a_process_that_was_killed_is_replaced_and_its_work_done_again() -> None:
    async def play(verifiers: Verifiers) -> None:
        (killed,) = verifiers.all
        assert killed.pid is not None
        os.kill(killed.pid, signal.SIGKILL)
        assert codes(await verifiers.verify(SENT)) == CODES
        assert verifiers.all != [killed]
        assert len(verifiers.all) == 1

    run(play)


def test_work_that_kills_every_process_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_verifying", deadly)

    async def play(verifiers: Verifiers) -> None:
        assert codes(await verifiers.verify(SENT)) == ["verifier_failed"] * len(SENT)
        assert len(verifiers.all) == 1

    run(play)


def deadly() -> Callable[[object], object]:
    """Serves as the process's work: dies of it."""
    return lambda _: os._exit(1)


SERVICE = """
import asyncio, os, signal
from api.verifiers import Verifiers
verifiers = Verifiers(1)
asyncio.run(verifiers.open())
print(verifiers.all[0].pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_ends_with_the_service_that_was_killed() -> None:
    told = subprocess.run([sys.executable, "-c", SERVICE], stdout=subprocess.PIPE, check=False).stdout
    end_soon([int(told)])


def test_a_mistake_of_ours_hits_one_statement_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(sent: bytes) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(module, "receive", broken)
    verdict = verdict_on(b"x")
    assert verdict is not None
    assert (verdict.code, verdict.detail) == ("internal_error", "ZeroDivisionError('oh')")
