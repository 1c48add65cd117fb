"""Witnesses asked to cosign: simulated ones that decide as ours do, and such as answer what no witness should."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import httpx
import pytest

from api.witnesses import PAUSE_MAX_S, REQUEST_BYTES_MAX, Round, Witnesses
from identity.errors import Problem
from identity.note import format_signature, format_vkey, parse_note
from identity.signature import COSIGNATURE_ED25519, COSIGNATURE_MLDSA44
from ledger.log.checkpoint import Checkpoint, SignedHead, sign_checkpoint
from ledger.log.cosignature import Cosigner, cosignatures, with_cosignatures
from ledger.log.merkle import Frontier, Growth, consistency_proof, leaf_hash
from ledger.log.policy import check_witnessed, parse_policy
from ledger.log.witness import NOTHING, OldOther, Seen, judge, parse_request
from ledger.witness.memory import log_id
from tests.cast import LOG, ORIGIN, seed

NOW = 1_800_000_000


class Log:
    """A log of so many entries; ``fork`` makes another history."""

    def __init__(self, size: int, fork: bytes = b"") -> None:
        self._growth = Growth(Frontier())
        for number in range(size):
            self._growth.append(leaf_hash(b"%d%b" % (number, fork)))
        self.head = self.at(size)

    def at(self, size: int) -> SignedHead:
        root = Log.root_of(size, self._growth)
        return SignedHead(size, root, sign_checkpoint(Checkpoint(ORIGIN, size, root), LOG))

    @staticmethod
    def root_of(size: int, growth: Growth) -> bytes:
        from ledger.log.merkle import root_at

        return root_at(size, growth.node)

    def prove(self, old: int, new: int) -> Sequence[bytes]:
        return consistency_proof(old, new, self._growth.node)


@dataclass
class Sim:
    """A witness at an address. ``answer`` replaces what it would say; ``asked`` counts requests."""

    name: str
    cosigner: Cosigner
    seen: Seen = NOTHING
    answer: Callable[[], httpx.Response] | None = None
    asked: int = 0
    bodies: list[bytes] = field(default_factory=list)
    shown: bytes | None = None  # at its monitoring address

    def __call__(self, body: bytes) -> httpx.Response:
        self.asked += 1
        self.bodies.append(body)
        if self.answer is not None:
            return self.answer()
        try:
            checkpoint = judge(parse_request(body), [LOG.verifier], self.seen)
        except OldOther as other:
            return httpx.Response(409, text=f"{other.size}\n", headers={"Content-Type": "text/x.tlog.size"})
        except Problem as problem:
            return httpx.Response({"witness_proof_wrong": 422}.get(problem.code, 403))
        self.seen = Seen(checkpoint.size, checkpoint.root)
        self.shown = parse_request(body).checkpoint
        text = parse_note(self.shown).text
        return httpx.Response(200, content=format_signature(self.cosigner.cosign(text, NOW)))


class Street:
    """The witnesses of a policy, the client that asks them, and a clock that is told when to move."""

    def __init__(self, *sims: Sim, quorum: str = "none") -> None:
        self.sims = {f"{sim.name}.example": sim for sim in sims}
        lines = [f"witness {sim.name} {format_vkey(sim.cosigner.verifier)} https://{sim.name}.example" for sim in sims]
        self.policy = parse_policy("\n".join([*lines, f"quorum {quorum}", ""]).encode())
        self.seconds = 0.0
        transport = httpx.MockTransport(self._handle)
        self.witnesses = Witnesses(self.policy, lambda: self.seconds, transport, now=lambda: NOW)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        sim = self.sims[request.url.host]
        if request.url.path == f"/{log_id(ORIGIN)}/checkpoint":
            return httpx.Response(404) if sim.shown is None else httpx.Response(200, content=sim.shown)
        assert request.url.path == "/add-checkpoint"
        return sim(await request.aread())

    def ask(self, log: Log, head: SignedHead | None = None) -> Round:
        return asyncio.run(self.witnesses.ask(head or log.head, log.prove))

    def codes(self, log: Log, head: SignedHead | None = None) -> dict[str, str]:
        return {name: problem.code for name, problem in self.ask(log, head).troubles.items()}


def council() -> Sim:
    return Sim("council", Cosigner("council.example/w", COSIGNATURE_ED25519, seed("council")))


def customs() -> Sim:
    return Sim("customs", Cosigner("customs.example/w", COSIGNATURE_MLDSA44, seed("customs")))


LOG_7, LOG_20 = Log(7), Log(20)


def test_every_witness_cosigns_and_the_quorum_is_met() -> None:
    street = Street(council(), customs())
    lines = street.ask(LOG_7).lines
    cosigned = with_cosignatures(LOG_7.head.checkpoint, lines)
    both = parse_policy(
        b"".join(f"witness {name} {format_vkey(sim.cosigner.verifier)}\n".encode() for name, sim in street.sims.items())
        + b"group both all council.example customs.example\nquorum both\n"
    )
    assert {one.time for one in check_witnessed(cosigned, both)} == {NOW}


def test_an_extension_is_proven_from_the_size_cosigned_last() -> None:
    street = Street(witness := council())
    street.ask(LOG_20, LOG_20.at(7))
    assert len(street.ask(LOG_20).lines) == 1
    assert witness.asked == 2
    assert parse_request(witness.bodies[1]).old == 7


def test_one_that_has_cosigned_a_checkpoint_is_not_asked_again() -> None:
    street = Street(witness := council())
    assert [len(street.ask(LOG_7).lines) for _ in range(3)] == [1, 0, 0]
    assert witness.asked == 1
    assert len(Street(witness).ask(LOG_7).lines) == 1  # another service asks, and gets it again


def test_a_checkpoint_on_which_nothing_follows_is_cosigned_again_after_a_while() -> None:
    witness = council()
    street = Street(witness)
    transport = httpx.MockTransport(street._handle)
    street.witnesses = Witnesses(street.policy, lambda: street.seconds, transport, again=600, now=lambda: NOW)
    for seconds, lines in ((0, 1), (599, 0), (600, 1), (601, 0), (1_200, 1)):
        street.seconds = seconds
        assert len(street.ask(LOG_7).lines) == lines
    assert [parse_request(body).old for body in witness.bodies] == [0, 7, 7]


def test_a_service_that_does_not_remember_is_told_the_size() -> None:
    witness = council()
    Street(witness).ask(LOG_20, LOG_20.at(7))
    assert len(Street(witness).ask(LOG_20).lines) == 1
    assert [parse_request(body).old for body in witness.bodies] == [0, 0, 7]


def test_a_witness_that_has_seen_more_is_an_alarm() -> None:
    witness = council()
    Street(witness).ask(LOG_20)
    assert Street(witness).codes(LOG_7) == {"council": "witness_ahead"}


def test_a_witness_that_has_seen_another_history_is_an_alarm() -> None:
    witness = council()
    Street(witness).ask(Log(7, b"'"))
    assert Street(witness).codes(LOG_20) == {"council": "witness_forked"}
    assert Street(witness).codes(LOG_7) == {"council": "witness_forked"}


def test_what_a_witness_that_contradicts_us_shows_is_handed_on() -> None:
    witness = council()
    other = Log(9, b"'")
    Street(witness).ask(other)
    assert Street(witness).ask(LOG_7).others == Street(witness).ask(LOG_20).others == [other.head.checkpoint]
    witness.shown = b"a" * 70_000
    assert Street(witness).ask(LOG_7).others == []
    witness.shown = None
    assert Street(witness).ask(LOG_7).others == []
    down = council()
    down.answer = _unreachable
    down.shown = other.head.checkpoint
    assert Street(down).ask(LOG_7).others == []


def test_one_that_is_down_holds_up_no_other() -> None:
    down = customs()
    down.answer = _unreachable
    street = Street(council(), down)
    round_ = street.ask(LOG_7)
    assert len(round_.lines) == 1
    assert {name: problem.code for name, problem in round_.troubles.items()} == {"customs": "witness_unreachable"}


def _unreachable() -> httpx.Response:
    raise httpx.ConnectError("no route")


def test_one_that_fails_is_given_ever_longer_pauses() -> None:
    witness = council()
    witness.answer = _unreachable
    street = Street(witness)
    times = []
    for _ in range(4_000):
        before = witness.asked
        street.ask(LOG_7)
        if witness.asked > before:
            times.append(street.seconds)
        street.seconds += 1
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses[:6] == [1, 2, 4, 8, 16, 32]
    assert pauses[-1] == PAUSE_MAX_S
    assert street.witnesses.troubles.keys() == {"council"}


def test_one_that_comes_back_is_asked_as_before() -> None:
    witness = council()
    witness.answer = _unreachable
    street = Street(witness)
    street.ask(LOG_7)
    witness.answer = None
    assert street.ask(LOG_7).lines == []  # it has its pause
    street.seconds += 1
    assert len(street.ask(LOG_7).lines) == 1
    assert street.witnesses.troubles == {}


def _line(cosigner: Cosigner, head: SignedHead = LOG_7.head) -> bytes:
    return format_signature(cosigner.cosign(parse_note(head.checkpoint).text, NOW))


STRANGER = Cosigner("stranger.example", COSIGNATURE_ED25519, seed("stranger"))
OWN = council().cosigner


@pytest.mark.parametrize(
    ("status", "content", "code"),
    [
        (200, b"", "witness_answer_strange"),
        (200, b"\xff", "witness_answer_strange"),
        (200, b"<html>", "witness_answer_strange"),
        (200, _line(STRANGER), "witness_answer_strange"),
        (200, _line(OWN, LOG_20.head), "witness_answer_strange"),
        (200, _line(OWN)[:-9] + b"AAAAAAA=\n", "witness_answer_strange"),
        (200, b"x" * 100_000, "witness_answer_strange"),
        (301, b"", "witness_refuses"),
        (400, b"", "witness_refuses"),
        (403, b"", "witness_refuses"),
        (404, b"", "witness_refuses"),
        (409, b"", "witness_answer_strange"),
        (409, b"-1\n", "witness_answer_strange"),
        (409, b"0\n", "witness_answer_strange"),
        (409, b"\xb2\n", "witness_answer_strange"),
        (409, b"9" * 30, "witness_answer_strange"),
        (409, b"8\n", "witness_ahead"),
        (422, b"", "witness_forked"),
        (429, b"", "witness_unreachable"),
        (500, b"", "witness_unreachable"),
        (503, b"", "witness_unreachable"),
    ],
)
def test_what_no_witness_should_answer_is_named_and_gives_no_line(status: int, content: bytes, code: str) -> None:
    witness = council()
    witness.answer = lambda: httpx.Response(status, content=content)
    street = Street(witness)
    round_ = street.ask(LOG_7)
    assert round_.lines == []
    assert {problem.code for problem in round_.troubles.values()} == {code}


def test_an_answer_that_is_packed_is_not_unpacked() -> None:
    witness = council()
    packed = gzip.compress(bytes(50_000_000))
    witness.answer = lambda: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(packed))
    assert Street(witness).codes(LOG_7) == {"council": "witness_answer_strange"}


def test_one_that_names_another_size_each_time_is_left_alone() -> None:
    witness = council()
    sizes = iter(["3\n", "4\n", "5\n", "6\n", "7\n"])
    witness.answer = lambda: httpx.Response(409, text=next(sizes))
    assert Street(witness).codes(LOG_7) == {"council": "witness_answer_strange"}
    assert witness.asked == 3


def test_an_empty_409_after_a_size_was_agreed_means_another_root() -> None:
    street = Street(witness := council())
    street.ask(LOG_7)
    witness.answer = lambda: httpx.Response(409)
    assert street.codes(LOG_20) == {"council": "witness_forked"}


def test_lines_of_strangers_beside_the_witnesses_own_are_dropped() -> None:
    witness = council()
    witness.answer = lambda: httpx.Response(200, content=_line(STRANGER) + _line(OWN))
    (line,) = Street(witness).ask(LOG_7).lines
    assert line.name == OWN.name


def test_a_witness_is_sent_the_logs_own_lines_and_nothing_else() -> None:
    mldsa = Cosigner(ORIGIN, COSIGNATURE_MLDSA44, seed("mldsa"))
    text = parse_note(LOG_7.head.checkpoint).text
    lines = [mldsa.cosign(text, NOW), STRANGER.cosign(text, NOW)]
    head = SignedHead(7, LOG_7.head.root, with_cosignatures(LOG_7.head.checkpoint, lines))
    street = Street(witness := council())
    assert len(street.ask(LOG_7, head).lines) == 1
    sent = parse_request(witness.bodies[0]).checkpoint
    assert [line.name for line in parse_note(sent).signatures] == [ORIGIN, ORIGIN]
    assert len(witness.bodies[0]) <= REQUEST_BYTES_MAX
    assert cosignatures(sent, [mldsa.verifier])


def test_a_witness_without_an_address_is_not_asked() -> None:
    policy = parse_policy(f"witness w {format_vkey(OWN.verifier)}\nquorum w\n".encode())
    transport = httpx.MockTransport(lambda request: httpx.Response(500))
    round_ = asyncio.run(Witnesses(policy, lambda: 0.0, transport, now=lambda: NOW).ask(LOG_7.head, LOG_7.prove))
    assert (round_.lines, round_.troubles) == ([], {})


@pytest.mark.parametrize(("ahead", "taken"), [(60, 1), (61, 0)])
def test_a_time_that_has_not_come_is_not_taken(ahead: int, taken: int) -> None:
    witness = council()
    text = parse_note(LOG_7.head.checkpoint).text
    witness.answer = lambda: httpx.Response(200, content=format_signature(OWN.cosign(text, NOW + ahead)))
    street = Street(witness)
    assert len(street.ask(LOG_7).lines) == taken
    assert [problem.code for problem in street.witnesses.troubles.values()] == ["witness_answer_strange"] * (1 - taken)
