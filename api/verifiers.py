"""Processes that verify: reading a statement and checking its signature needs no ledger, so it runs beside the writer.

Each process gets a list of what clients sent, and answers with a list in step: None for a statement that is in order,
or the problem it ended in. A process that dies takes nothing with it: another is started, and verifies the same again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from api.process import Beside, Gone
from ledger.errors import Problem, Unavailable, declare
from ledger.statement import receive

ATTEMPTS = 3  # processes a list is given to before it is refused; a statement that kills them is not tried for ever

declare(
    "service",
    verifier_failed=("the processes that verify signatures keep dying", "see the log of the service"),
)

Verdict = Problem | None

log = structlog.get_logger("cadastre.verifiers")


def verdict_on(sent: bytes) -> Verdict:
    """What is wrong with a statement, or None. Whatever it makes us do wrong hits no other statement."""
    try:
        receive(sent)
    except Problem as problem:
        return problem
    except Exception as mistake:
        return Unavailable("internal_error", repr(mistake)[:500])
    return None


def _verdicts_on(sent: Sequence[bytes]) -> list[Verdict]:
    return [verdict_on(one) for one in sent]


def _verifying() -> Callable[[Sequence[bytes]], list[Verdict]]:
    return _verdicts_on


class Verifiers:
    """A number of verifier processes; with 0 of them, ``verify`` works in this one."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.all: list[Beside] = []
        self._idle: asyncio.Queue[Beside] = asyncio.Queue()

    async def open(self) -> None:
        """Start the processes, and wait until they can verify."""
        self.all += [Beside(_verifying) for _ in range(self.workers)]
        for verifier in self.all:  # by now all are at it
            await asyncio.to_thread(verifier.ready)
            self._idle.put_nowait(verifier)

    async def close(self) -> None:
        """End the processes."""
        for verifier in self.all:
            verifier.leave()
            await asyncio.to_thread(verifier.end)
        self.all.clear()

    async def verify(self, sent: Sequence[bytes]) -> list[Verdict]:
        """A verdict on each of what was sent, in step. Waits for a process that has nothing to do."""
        if not self.workers:
            return _verdicts_on(sent)
        for _ in range(ATTEMPTS):
            verifier = await self._idle.get()
            try:
                verdicts: list[Verdict] = await verifier.ask(sent)
                return verdicts
            except Gone:
                log.error("a verifier process died", pid=verifier.pid, statements=len(sent))
                self.all.remove(verifier)
                verifier.leave()
                await asyncio.to_thread(verifier.end)
                verifier = await asyncio.to_thread(self._start)
            finally:
                self._idle.put_nowait(verifier)
        return [Unavailable("verifier_failed")] * len(sent)

    def _start(self) -> Beside:
        verifier = Beside.started(_verifying)
        self.all.append(verifier)
        return verifier
