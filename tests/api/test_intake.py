"""The way in: bounded, in order, and nothing that was taken in is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from api.intake import CHUNK, Intake, signer_of
from api.limits import Buckets
from api.metrics import Metrics
from api.verifiers import Verdict, Verifiers
from api.writing import Asked, Outcome, Recorded
from ledger.errors import Malformed, Problem, Refused, Unavailable
from ledger.log.checkpoint import SignedHead
from tests.cast import played_life


class Scribe:
    """A writer that writes down what it is asked to, and waits to be let go on."""

    def __init__(self) -> None:
        self.head = SignedHead(0, b"", b"")
        self.charter: Any = None
        self.trouble: Problem | None = None
        self.delayed = False
        self.batches: list[list[bytes]] = []
        self.go = asyncio.Event()
        self.go.set()

    async def append(self, asked: Sequence[Asked]) -> list[Outcome]:
        self.batches.append([one.sent for one in asked])
        await self.go.wait()
        first = sum(map(len, self.batches[:-1]))
        return [
            self.trouble or Recorded(first + place, 0, "", "", False, b"receipt" if one.receipt else b"")
            for place, one in enumerate(asked)
        ]

    def close(self) -> None:
        """Nothing is held."""

    @property
    def written(self) -> list[bytes]:
        return [sent for batch in self.batches for sent in batch]


class Gatekeepers(Verifiers):
    """Verifiers that refuse what says so, each chunk after a pause of its own."""

    def __init__(self, workers: int = 1, pause: Callable[[int], float] = lambda _: 0.0) -> None:
        super().__init__(workers)
        self.chunks: list[int] = []
        self._pause = pause

    async def verify(self, sent: Sequence[bytes]) -> list[Verdict]:
        self.chunks.append(len(sent))
        await asyncio.sleep(self._pause(len(self.chunks)))
        return [Malformed("statement_malformed") if b"bad" in one else None for one in sent]


def no_limit() -> Buckets:
    return Buckets(0, 1, lambda: 0.0)


def run(
    play: Callable[[Intake, Scribe, Gatekeepers], Awaitable[None]],
    *,
    capacity: int = 1_000,
    capacity_bytes: int = 1_000_000,
    batch: int = 100,
    signers: Buckets | None = None,
    verifiers: Callable[[], Gatekeepers] = Gatekeepers,
) -> None:
    """Open an intake, play, close it."""

    async def main() -> None:
        scribe, gatekeepers = Scribe(), verifiers()
        intake = Intake(scribe, gatekeepers, signers or no_limit(), Metrics(), capacity, capacity_bytes, batch)
        intake.open()
        await play(intake, scribe, gatekeepers)
        scribe.go.set()
        await asyncio.wait_for(intake.close(), 5)
        assert intake.depth == 0

    asyncio.run(main())


def names(*numbers: int) -> list[bytes]:
    return [b"h%d.p.s" % number for number in numbers]


def test_statements_are_admitted_in_the_order_they_were_submitted() -> None:
    """Whatever the verifiers' pace: every other chunk takes longer than the one after it."""

    async def play(intake: Intake, scribe: Scribe, _: Gatekeepers) -> None:
        sent = names(*range(900))
        outcomes = []
        for start in range(0, 900, 9):
            outcomes += [intake.submit(one, False) for one in sent[start : start + 9]]
            await asyncio.sleep(0)
        indexes = [outcome.index for outcome in await asyncio.gather(*outcomes) if isinstance(outcome, Recorded)]
        assert scribe.written == sent
        assert indexes == list(range(900))

    run(play, verifiers=lambda: Gatekeepers(3, lambda chunk: 0.01 * (chunk % 2)))


def test_what_is_refused_at_the_door_never_reaches_the_writer() -> None:
    async def play(intake: Intake, scribe: Scribe, _: Gatekeepers) -> None:
        answers = [intake.submit(one, True) for one in (b"a", b"bad", b"b", b"bad")]
        outcomes = await asyncio.gather(*answers)
        assert [isinstance(outcome, Recorded) for outcome in outcomes] == [True, False, True, False]
        assert scribe.written == [b"a", b"b"]

    run(play)


def test_a_full_queue_refuses_at_once_and_loses_nothing() -> None:
    async def play(intake: Intake, scribe: Scribe, _: Gatekeepers) -> None:
        scribe.go.clear()
        taken = [intake.submit(one, False) for one in names(*range(10))]
        assert (intake.depth, intake.full) == (10, True)
        await asyncio.sleep(0.02)
        for _ in range(3):
            with pytest.raises(Unavailable) as caught:
                intake.submit(b"x.y.z", False)
            assert caught.value.code == "queue_full"
        scribe.go.set()
        await asyncio.gather(*taken)
        assert scribe.written == names(*range(10))
        assert await intake.submit(b"x.y.z", False)
        assert intake.depth == 0

    run(play, capacity=10)


def test_the_bytes_that_wait_are_bounded_too() -> None:
    async def play(intake: Intake, scribe: Scribe, _: Gatekeepers) -> None:
        scribe.go.clear()
        taken = [intake.submit(b"a" * 40, False) for _ in range(3)]
        with pytest.raises(Unavailable) as caught:
            intake.submit(b"a", False)
        assert caught.value.code == "queue_full"
        scribe.go.set()
        await asyncio.gather(*taken)
        assert not intake.full

    run(play, capacity_bytes=100)


@pytest.mark.parametrize("batch", [1, 2, 7, 200])
def test_no_batch_is_larger_than_was_set(batch: int) -> None:
    async def play(intake: Intake, scribe: Scribe, _: Gatekeepers) -> None:
        await asyncio.gather(*(intake.submit(one, False) for one in names(*range(300))))
        assert scribe.written == names(*range(300))
        assert max(map(len, scribe.batches)) <= batch

    run(play, batch=batch)


def test_closing_answers_what_was_taken_in_and_takes_nothing_more() -> None:
    async def play(intake: Intake, scribe: Scribe, _: Gatekeepers) -> None:
        taken = [intake.submit(one, False) for one in names(*range(20))]
        closing = asyncio.create_task(intake.close())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as caught:
            intake.submit(b"x.y.z", False)
        assert caught.value.code == "service_stopping"
        await asyncio.wait_for(closing, 5)
        assert all(answer.done() for answer in taken)
        assert scribe.written == names(*range(20))

    run(play)


def test_a_client_that_no_longer_waits_holds_nobody_up() -> None:
    async def play(intake: Intake, scribe: Scribe, _: Gatekeepers) -> None:
        scribe.go.clear()
        answers = [intake.submit(one, False) for one in names(0, 1, 2)]
        await asyncio.sleep(0.01)
        answers[1].cancel()
        scribe.go.set()
        assert isinstance(await answers[2], Recorded)
        assert scribe.written == names(0, 1, 2)

    run(play)


def test_while_a_batch_is_appended_the_next_one_gathers() -> None:
    async def play(intake: Intake, scribe: Scribe, verifiers: Gatekeepers) -> None:
        scribe.go.clear()
        first = intake.submit(played_life()[0], False)
        await asyncio.sleep(0.01)
        others = [intake.submit(one, False) for one in names(*range(250))]
        await asyncio.sleep(0.05)
        assert verifiers.chunks == [CHUNK, 250 - CHUNK]
        scribe.go.set()
        await asyncio.gather(first, *others)
        assert [len(batch) for batch in scribe.batches] == [1, 250]

    run(play, batch=300)


def test_one_statement_alone_is_verified_on_the_spot() -> None:
    async def play(intake: Intake, _: Scribe, verifiers: Gatekeepers) -> None:
        outcome = await intake.submit(b"no statement", False)
        assert isinstance(outcome, Problem)
        assert outcome.code == "statement_malformed"
        assert verifiers.chunks == []

    run(play)


def test_a_key_that_signs_too_fast_is_refused_and_others_are_not() -> None:
    async def play(intake: Intake, scribe: Scribe, _: Gatekeepers) -> None:
        assert await asyncio.gather(*(intake.submit(b"a.%d.s" % number, False) for number in range(3)))
        with pytest.raises(Unavailable) as caught:
            intake.submit(b"a.3.s", False)
        assert caught.value.code == "signer_too_fast"
        await intake.submit(b"b.0.s", False)

    run(play, signers=Buckets(1, 3, lambda: 0.0))


def test_nobody_pays_for_statements_they_did_not_sign() -> None:
    async def play(intake: Intake, _: Scribe, __: Gatekeepers) -> None:
        await asyncio.gather(*(intake.submit(b"a.bad%d.s" % number, False) for number in range(9)))
        assert isinstance(await intake.submit(b"b.0.s", False), Problem)
        assert intake.signers.wait(signer_of(b"a.0.s")) == 0

    run(play, signers=Buckets(1, 3, lambda: 0.0))


def test_trouble_of_the_writer_is_looked_after() -> None:
    async def play(intake: Intake, scribe: Scribe, _: Gatekeepers) -> None:
        await intake.probe()
        assert scribe.batches == []
        scribe.trouble = Unavailable("clock_behind")
        await intake.probe()
        assert scribe.batches == [[]]

    run(play)


def test_whatever_goes_wrong_with_verifying_is_answered() -> None:
    class Broken(Gatekeepers):
        async def verify(self, sent: Sequence[bytes]) -> list[Verdict]:
            raise ZeroDivisionError

    async def play(intake: Intake, _: Scribe, __: Gatekeepers) -> None:
        outcomes = await asyncio.gather(*(intake.submit(one, False) for one in names(*range(5))))
        assert {outcome.code for outcome in outcomes if isinstance(outcome, Problem)} == {"internal_error"}

    run(play, verifiers=Broken)


def test_whatever_goes_wrong_with_writing_is_answered_and_the_next_batch_is_written() -> None:
    async def play(intake: Intake, scribe: Scribe, _: Gatekeepers) -> None:
        append, scribe.append = scribe.append, lambda _: 1 // 0  # type: ignore[assignment, method-assign, return-value]
        outcomes = await asyncio.gather(*(intake.submit(one, False) for one in names(*range(5))))
        assert {outcome.code for outcome in outcomes if isinstance(outcome, Problem)} == {"internal_error"}
        scribe.append = append  # type: ignore[method-assign]
        outcomes = await asyncio.gather(*(intake.submit(one, False) for one in names(*range(5))))
        assert all(isinstance(outcome, Recorded) for outcome in outcomes)

    run(play)


def test_refusals_by_rule_pass_through() -> None:
    async def play(intake: Intake, scribe: Scribe, _: Gatekeepers) -> None:
        scribe.trouble = Refused("pin_stale")
        outcomes = await asyncio.gather(*(intake.submit(one, False) for one in names(*range(5))))
        assert outcomes == [scribe.trouble] * 5

    run(play)
