"""Audits that ask for witnesses: who saw the checkpoint, when, and entries that are dated after they were seen."""

from __future__ import annotations

import pytest

from identity.note import Signature, format_vkey, parse_note
from identity.signature import COSIGNATURE_ED25519, COSIGNATURE_MLDSA44
from ledger.audit import Verdict, Workers, audit
from ledger.log.chain import parse_entry
from ledger.log.cosignature import Cosigner, with_cosignatures
from ledger.log.policy import Policy, parse_policy
from tests.cast import Play, seed
from tests.ledger.audit.forged import Shown, signed

COUNCIL = Cosigner("council.example", COSIGNATURE_ED25519, seed("council"))
CUSTOMS = Cosigner("customs.example", COSIGNATURE_MLDSA44, seed("customs"))
INSURER = Cosigner("insurer.example", COSIGNATURE_ED25519, seed("insurer"))
ALL = (COUNCIL, CUSTOMS, INSURER)
CLOCK, SKEW = 60, 60  # seconds that the charter's limit and the rules allow


def asking(quorum: str) -> Policy:
    lines = [f"witness {one.name.split('.')[0]} {format_vkey(one.verifier)}" for one in ALL]
    return parse_policy("\n".join([*lines, quorum, ""]).encode())


TWO = asking("group two 2 council customs insurer\nquorum two")


@pytest.fixture
def entries() -> list[bytes]:
    play = Play()
    play.join("factory")
    play.tick(days=1)
    play.register("factory")
    play.tick(days=1)
    play.register("factory")
    return [played.entry for played in play.entries]


def seconds_of(entries: list[bytes], index: int) -> int:
    return parse_entry(entries[index]).time // 1_000_000


def seen(note: bytes, *by: tuple[Cosigner, int]) -> bytes:
    text = parse_note(note).text
    return with_cosignatures(note, [cosigner.cosign(text, time) for cosigner, time in by])


def judged(
    entries: list[bytes], workers: Workers, *by: tuple[Cosigner, int], policy: Policy = TWO, known: int | None = None
) -> Verdict:
    """The verdict where these saw the checkpoint, or one of ``known`` entries that was kept elsewhere."""
    note = seen(signed(entries[:known]), *by)
    if known is None:
        return audit(Shown(entries, note), workers, policy=policy)
    return audit(Shown(entries), workers, policy=policy, known=[note])


def test_as_many_as_are_asked_for_have_seen_it(entries: list[bytes], workers: Workers) -> None:
    now = seconds_of(entries, -1)
    verdict = judged(entries, workers, (COUNCIL, now), (INSURER, now + 9))
    assert (verdict.word, verdict.reason) == ("witnessed", None)


@pytest.mark.parametrize("by", [(), (COUNCIL,)])
def test_fewer_have_seen_it(entries: list[bytes], by: tuple[Cosigner, ...], workers: Workers) -> None:
    now = seconds_of(entries, -1)
    verdict = judged(entries, workers, *((one, now) for one in by))
    assert (verdict.word, verdict.reason, verdict.proven) == ("consistent", "quorum_not_met", True)


def test_a_policy_that_asks_for_nobody(entries: list[bytes], workers: Workers) -> None:
    verdict = judged(entries, workers, policy=asking("quorum none"))
    assert (verdict.word, verdict.reason) == ("consistent", None)


def test_they_may_have_seen_a_checkpoint_kept_elsewhere(entries: list[bytes], workers: Workers) -> None:
    then = seconds_of(entries, 2)
    verdict = judged(entries, workers, (COUNCIL, then), (CUSTOMS, then), known=3)
    assert (verdict.word, verdict.reason) == ("witnessed", None)


@pytest.mark.parametrize(
    ("early", "word"), [(0, "witnessed"), (CLOCK + SKEW, "witnessed"), (CLOCK + SKEW + 2, "corrupt")]
)
def test_no_entry_is_dated_after_it_was_seen_but_for_what_clocks_differ(
    entries: list[bytes], early: int, word: str, workers: Workers
) -> None:
    time = seconds_of(entries, -1) - early
    verdict = judged(entries, workers, (COUNCIL, time), (CUSTOMS, time))
    assert verdict.word == word
    if word == "corrupt":
        assert (verdict.index, verdict.reason) == (len(entries) - 1, "entry_time_beyond")


def test_the_first_entry_that_is_dated_too_late_is_named(entries: list[bytes], workers: Workers) -> None:
    time = seconds_of(entries, 1)
    verdict = judged(entries, workers, (COUNCIL, time), (CUSTOMS, time))
    assert (verdict.word, verdict.index, verdict.reason) == ("corrupt", 2, "entry_time_beyond")


def test_a_witness_whose_clock_is_wrong_accuses_nobody_alone(entries: list[bytes], workers: Workers) -> None:
    now = seconds_of(entries, -1)
    assert judged(entries, workers, (COUNCIL, 1), (CUSTOMS, now), (INSURER, now)).word == "witnessed"
    assert judged(entries, workers, (COUNCIL, 1), (CUSTOMS, 1), (INSURER, now)).reason == "entry_time_beyond"
    assert judged(entries, workers, (COUNCIL, 1)).reason == "quorum_not_met"


def test_a_forged_cosignature_is_corrupt(entries: list[bytes], workers: Workers) -> None:
    note = seen(signed(entries), (COUNCIL, 1_760_000_000))
    (line,) = (one for one in parse_note(note).signatures if one.name == COUNCIL.name)
    forged = Signature(line.name, line.key_id, line.signature[:-1] + bytes([line.signature[-1] ^ 1]))
    verdict = audit(Shown(entries, with_cosignatures(signed(entries), [forged])), workers, policy=TWO)
    assert (verdict.word, verdict.reason) == ("corrupt", "note_signature_invalid")


def test_a_time_that_has_not_come_is_none_at_which_it_was_seen(entries: list[bytes], workers: Workers) -> None:
    now = seconds_of(entries, -1)
    note = seen(signed(entries), (COUNCIL, now), (CUSTOMS, now + 1_000))
    found = {at: audit(Shown(entries, note), workers, policy=TWO, now=at) for at in (now + 939, now + 940)}
    assert [(one.word, one.reason) for one in found.values()] == [
        ("consistent", "cosignature_ahead"),
        ("witnessed", None),
    ]
