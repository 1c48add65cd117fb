"""The way in: what clients send is queued, verified in processes, appended by one writer, and answered.

    submit → [queue] → collect: chunks → [verifier processes] → gather: a batch → [the writer] → answers

Statements are admitted in the order in which they were submitted. A chunk is collected when a verifier can take it,
and a batch is gathered when the writer is free, so both are small when little happens and grow under load; the next
batch is verified while this one is committed. Everything from queue to answer counts against one bound, and what
exceeds it is refused at once: nothing that was taken in is dropped. There is a bound on its bytes, too.

All of this runs on the event loop; the work is done by ``verifiers`` and ``writing``.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from api.limits import Buckets
from api.metrics import Metrics, verdict_of
from api.verifiers import Verdict, Verifiers, verdict_on
from api.writing import Appending, Asked, Outcome
from ledger.errors import Unavailable, declare

CHUNK = 128  # statements a verifier process gets at a time: about 15 ms of work
TINY = 2  # up to so many are verified at once where nothing else is under way: cheaper than asking a process

declare(
    "service",
    queue_full=("the service has as much to do as it takes on", "send the same bytes again in a moment"),
    service_stopping=("the service is stopping", "send the same bytes again when it is back"),
    signer_too_fast=("this key signs more than the service takes from one", "send the same bytes again, more slowly"),
)

log = structlog.get_logger("cadastre.intake")


@dataclass(frozen=True, slots=True)
class _Waiting:
    asked: Asked
    answer: asyncio.Future[Outcome]


@dataclass(frozen=True, slots=True)
class _Chunk:
    waiting: Sequence[_Waiting]
    verdicts: asyncio.Future[list[Verdict]]


def signer_of(sent: bytes) -> bytes:
    """Who says to have signed this: the header as sent. One key has one header, so it stands for the key unparsed."""
    return sent.partition(b".")[0]


class Intake:
    """Takes statements in. One for each writer; everything is called on one event loop."""

    def __init__(
        self,
        writer: Appending,
        verifiers: Verifiers,
        signers: Buckets,
        metrics: Metrics,
        capacity: int,
        capacity_bytes: int,
        batch: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.signers = signers
        self._writer = writer
        self._writing = asyncio.Lock()
        self._verifiers = verifiers
        self._metrics = metrics
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._batch = batch
        self._clock = clock
        self._depth = self._bytes = 0  # submitted and not answered
        self._stopping = False
        self._queue: deque[_Waiting] = deque()
        self._chunks: deque[_Chunk] = deque()  # being verified or verified, in order
        self._submitted = asyncio.Event()
        self._collected = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._room = asyncio.Semaphore(max(1, 2 * verifiers.workers))  # one chunk at work, one at hand
        self._tasks: list[asyncio.Task[None]] = []

    # -- from outside ----------------------------------------------------------------------------------------

    def open(self) -> None:
        """Begin to work."""
        self._tasks = [asyncio.create_task(self._collect()), asyncio.create_task(self._append())]

    async def close(self) -> None:
        """Take nothing more in, answer all that was, and stop."""
        self._stopping = True
        await self._drained.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def depth(self) -> int:
        """Statements submitted and not answered."""
        return self._depth

    @property
    def full(self) -> bool:
        """Whether nothing more would be taken in."""
        return self._depth >= self._capacity or self._bytes >= self._capacity_bytes

    def submit(self, sent: bytes, receipt: bool) -> asyncio.Future[Outcome]:
        """Queue what a client sent; the future gives its outcome, with the receipt if wanted, and never raises.

        Raises ``queue_full``, ``signer_too_fast``, ``service_stopping``; the statement is not taken in then.
        """
        if self._stopping:
            raise Unavailable("service_stopping")
        if self.full:
            raise Unavailable("queue_full", f"{self._depth} statements are waiting")
        self.signers.check(signer_of(sent), "signer_too_fast")
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(Asked(sent, receipt), answer))
        self._depth += 1
        self._bytes += len(sent)
        self._drained.clear()
        self._submitted.set()
        return answer

    async def probe(self) -> None:
        """See whether what kept the writer from appending, or from erasing, has passed."""
        if self._writer.trouble is not None or self._writer.delayed:
            async with self._writing:
                await self._writer.append([])

    # -- verifying -------------------------------------------------------------------------------------------

    async def _collect(self) -> None:
        while True:
            await self._submitted.wait()
            await self._room.acquire()
            chunk = [self._queue.popleft() for _ in range(min(len(self._queue), self._batch, CHUNK))]
            if not self._queue:
                self._submitted.clear()
            self._chunks.append(_Chunk(chunk, asyncio.ensure_future(self._verify(chunk))))
            self._collected.set()

    async def _verify(self, chunk: Sequence[_Waiting]) -> list[Verdict]:
        try:
            if len(chunk) <= TINY and self._depth == len(chunk):
                return [verdict_on(waiting.asked.sent) for waiting in chunk]
            return await self._verifiers.verify([waiting.asked.sent for waiting in chunk])
        except Exception:
            log.exception("verifying went wrong", statements=len(chunk))
            return [Unavailable("internal_error")] * len(chunk)
        finally:
            self._room.release()

    # -- appending -------------------------------------------------------------------------------------------

    async def _append(self) -> None:
        while True:
            good = await self._gather()
            if not good:
                continue
            begun = self._clock()
            outcomes = await self._write([waiting.asked for waiting in good])
            self._metrics.commits.observe(self._clock() - begun)
            self._metrics.batches.observe(len(good))
            self._answer(zip(good, outcomes, strict=True))

    async def _write(self, asked: Sequence[Asked]) -> list[Outcome]:
        try:
            async with self._writing:
                return await self._writer.append(asked)
        except Exception:
            log.exception("writing went wrong", statements=len(asked))
            return [Unavailable("internal_error")] * len(asked)

    async def _gather(self) -> list[_Waiting]:
        """What the writer shall append next: all that is verified, up to a batch. The rest is answered here."""
        while not self._chunks:
            self._collected.clear()
            await self._collected.wait()
        good: list[_Waiting] = []
        refused: list[tuple[_Waiting, Outcome]] = []
        taken = 0
        while self._chunks and (not taken or self._fits(self._chunks[0], taken)):
            chunk = self._chunks.popleft()
            verdicts = await chunk.verdicts
            taken += len(verdicts)
            for waiting, verdict in zip(chunk.waiting, verdicts, strict=True):
                if verdict is None:
                    self.signers.take(signer_of(waiting.asked.sent))  # charged once it is known who signed
                    good.append(waiting)
                else:
                    refused.append((waiting, verdict))
        self._answer(refused)
        return good

    def _fits(self, chunk: _Chunk, taken: int) -> bool:
        """Whether a chunk can join a batch of so many without holding it up."""
        return chunk.verdicts.done() and taken + len(chunk.waiting) <= self._batch

    def _answer(self, answers: Iterable[tuple[_Waiting, Outcome]]) -> None:
        told: Counter[tuple[str, str]] = Counter()
        for waiting, outcome in answers:
            self._depth -= 1
            self._bytes -= len(waiting.asked.sent)
            told[verdict_of(outcome)] += 1
            if not waiting.answer.done():  # else nobody waits for it any more
                waiting.answer.set_result(outcome)
        self._metrics.count(told)
        if not self._depth:
            self._drained.set()
