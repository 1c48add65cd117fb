"""Refusals are judged by the log: lawful ones hold, and each way to lie with one is named."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from identity.errors import Problem
from identity.note import Signer, format_vkey
from identity.signature import COSIGNATURE_ED25519
from ledger.audit import Source, Workers
from ledger.audit.refusal import Lawful, check_lawful
from ledger.errors import CATALOGUE, Corrupt, Newer, Refused
from ledger.log.chain import link_of
from ledger.log.cosignature import Cosigner, with_cosignatures
from ledger.log.policy import EMPTY, Policy, parse_policy
from ledger.log.refusal import Refusal, parse_refusal_file, sign_refusal
from ledger.statement import receive
from tests.cast import LOG, ORIGIN, REFUSING, Play, Played, charter, description, seed
from tests.ledger.audit.forged import Shown, acts, linked, signed
from tests.stories.stage import Stage, outcomes_of
from tests.stories.tables import stories

MICRO = 1_000_000
LATER = Signer(REFUSING.name, seed("refusal, later"))


class Refusing:
    """A ledger whose charter names a refusal key, and the refusals that it signs, rightly or not."""

    def __init__(self) -> None:
        self.play = Play(charter(refusalKey=format_vkey(REFUSING.verifier)))
        self.play.join("factory")
        self.asset = self.play.register("factory")
        self._drafts = count()
        self.revised = self.revise()  # signed, and handed in too late
        self.play.admit(self.revise())

    def revise(self, **claims: Any) -> bytes:
        body = description(f"Anew, {next(self._drafts)}")
        return self.play.sign("asset.revised", by="factory", sub=self.asset, body=body, **claims)

    @property
    def entries(self) -> list[bytes]:
        return [played.entry for played in self.play.entries]

    def refuse(self, sent: bytes, code: str, by: Signer = REFUSING, **changes: Any) -> bytes:
        """The refusal at the ledger's present size and time, or as the changes have it."""
        statement = receive(sent)
        size = len(self.entries)
        time = self.play.seconds * MICRO + size
        refusal = Refusal(ORIGIN, statement.id, code, size, link_of(self.entries[-1]), time)
        return sign_refusal(statement.signed.compact, replace(refusal, **changes), by)

    def judge(self, data: bytes, source: Source | None = None, policy: Policy = EMPTY) -> Lawful:
        now = (self.play.seconds + 1) * MICRO
        with Workers(0) as none:
            return check_lawful(parse_refusal_file(data), source or Shown(self.entries), none, now, policy=policy)

    def wrong(self, data: bytes, source: Source | None = None, policy: Policy = EMPTY) -> Problem:
        with pytest.raises(Problem) as told:
            self.judge(data, source, policy)
        return told.value


@pytest.fixture
def ledger() -> Refusing:
    return Refusing()


# -- lawful --------------------------------------------------------------------------------------------------


def test_a_stale_pin_is_lawfully_refused(ledger: Refusing) -> None:
    lawful = ledger.judge(ledger.refuse(ledger.revised, "pin_stale"))
    assert (lawful.refusal.size, lawful.why.code, lawful.why.subject) == (4, "pin_stale", ledger.asset)
    assert (lawful.statement.claims.kind, lawful.log.word, lawful.log.size) == ("asset.revised", "consistent", 4)


def test_it_stays_lawful_however_the_ledger_goes_on(ledger: Refusing) -> None:
    unknown = ledger.play.sign("asset.registered", by="partner", body=description())
    refusal = ledger.refuse(unknown, "party_unknown")
    ledger.play.join("partner")  # by these entries the same act would be admitted
    ledger.play.tick(days=1)
    ledger.play.register("partner")
    assert ledger.judge(refusal).why.code == "party_unknown"
    assert ledger.wrong(ledger.refuse(unknown, "party_unknown")).code == "refusal_unlawful"  # said a day later


def test_the_time_is_part_of_what_was_judged(ledger: Refusing) -> None:
    late = ledger.revise()
    ledger.play.tick(hours=2)
    assert ledger.judge(ledger.refuse(late, "act_expired")).why.code == "act_expired"
    early = (ledger.play.seconds - 7_200) * MICRO + 4
    told = ledger.wrong(ledger.refuse(late, "act_expired", time=early))
    assert told.detail == "act_expired: the rules admit the statement at size 4"


@pytest.mark.parametrize(
    ("index", "code"), [(1, None), (3, "seen_forked"), (9, "seen_ahead")], ids=["fits", "forked", "ahead"]
)
def test_what_a_signer_has_seen_is_judged_by_the_log(ledger: Refusing, index: int, code: str | None) -> None:
    digest = link_of(ledger.entries[1])
    claim = f"{index}:{b64encode(digest, b'-_').decode().rstrip('=')}"
    sent = ledger.revise(seen=claim)
    if code is None:
        assert ledger.wrong(ledger.refuse(sent, "seen_forked")).code == "refusal_unlawful"
    else:
        assert ledger.judge(ledger.refuse(sent, code)).why.code == code


def test_a_statement_for_another_ledger_is_lawfully_refused(ledger: Refusing) -> None:
    sent = ledger.play.sign("asset.registered", by="factory", body=description(), aud=f"{ORIGIN}#elsewhere")
    assert ledger.judge(ledger.refuse(sent, "audience_wrong")).why.code == "audience_wrong"


def test_each_refusal_is_by_the_key_of_its_size(ledger: Refusing) -> None:
    before = ledger.refuse(ledger.revised, "pin_stale")
    body = {"refusalKey": format_vkey(LATER.verifier)}
    ledger.play.act("ledger.amended", by="governance", sub=ledger.play.world.ledger, body=body)
    assert ledger.judge(before).refusal.size == 4
    assert ledger.judge(ledger.refuse(ledger.revised, "pin_stale", by=LATER)).refusal.size == 5
    assert ledger.wrong(ledger.refuse(ledger.revised, "pin_stale")).code == "note_unsigned"
    at_four = parse_refusal_file(before).refusal
    forged = sign_refusal(ledger.revised, at_four, LATER)
    assert ledger.wrong(forged).code == "note_unsigned"


# -- what the ledger must answer for -------------------------------------------------------------------------


def test_what_the_rules_admit_was_unlawfully_refused(ledger: Refusing) -> None:
    told = ledger.wrong(ledger.refuse(ledger.revise(), "pin_stale"))
    assert isinstance(told, Corrupt)
    assert (told.code, told.detail) == ("refusal_unlawful", "pin_stale: the rules admit the statement at size 4")


def test_a_refusal_for_a_reason_that_is_none_is_unlawful(ledger: Refusing) -> None:
    told = ledger.wrong(ledger.refuse(ledger.revised, "act_expired"))
    assert told.code == "refusal_unlawful"
    assert told.detail.startswith("act_expired: the rules say pin_stale: ")
    assert ledger.wrong(ledger.refuse(ledger.revised, "no_such_code")).code == "refusal_unlawful"


def test_what_is_in_the_ledger_cannot_be_refused(ledger: Refusing) -> None:
    told = ledger.wrong(ledger.refuse(ledger.play.entries[3].sent, "pin_stale"))
    assert (told.code, told.index) == ("refusal_unlawful", 3)


def test_what_was_admitted_later_may_have_been_refused_before(ledger: Refusing) -> None:
    unknown = ledger.play.sign("asset.registered", by="partner", body=description())
    refusal = ledger.refuse(unknown, "party_unknown")
    ledger.play.join("partner")
    ledger.play.admit(unknown)
    assert ledger.judge(refusal).refusal.size == 4


def test_a_refusal_is_dated_after_the_entry_before_and_not_after_the_next(ledger: Refusing) -> None:
    time = ledger.play.entries[3].time
    assert ledger.wrong(ledger.refuse(ledger.revised, "pin_stale", time=time)).code == "refusal_misdated"
    ledger.play.register("factory", title="Another")
    after = {"size": 4, "link": link_of(ledger.entries[3])}
    clock = 60 * MICRO  # by which the charter lets the writer's clock err
    last = ledger.play.entries[4].time + clock
    assert ledger.judge(ledger.refuse(ledger.revised, "pin_stale", time=last, **after)).refusal.time == last
    told = ledger.wrong(ledger.refuse(ledger.revised, "pin_stale", time=last + 1, **after))
    assert told.code == "refusal_misdated"


def test_a_refusal_of_another_history_is_evidence_against_the_ledger(ledger: Refusing) -> None:
    other = Refusing()
    other.play.register("factory", title="Something else")
    ledger.play.register("factory", title="What all were told")
    told = ledger.wrong(other.refuse(ledger.revised, "pin_stale"))
    assert isinstance(told, Corrupt)
    assert told.code == "refusal_diverged"


# -- what proves nothing -------------------------------------------------------------------------------------


def test_a_refusal_by_another_key_is_nobodys(ledger: Refusing) -> None:
    told = ledger.wrong(ledger.refuse(ledger.revise(), "pin_stale", by=LATER))
    assert told.code == "note_unsigned"


def test_a_statement_that_is_not_its_signers_proves_nothing(ledger: Refusing) -> None:
    header, payload, signature = ledger.revised.split(b".")
    forged = b".".join((header, payload, b"B" + signature[1:] if signature[:1] == b"A" else b"A" + signature[1:]))
    data = ledger.refuse(ledger.revised, "pin_stale").replace(ledger.revised, forged)
    assert ledger.wrong(data).code == "signature_invalid"


def test_a_charter_without_a_refusal_key_answers_for_none() -> None:
    play = Play()
    play.join("factory")
    ledger = Refusing()
    ledger.play = play
    sent = play.sign("party.joined", by="factory", body={"name": "Twice"})
    assert ledger.wrong(ledger.refuse(sent, "party_known")).code == "refusal_key_absent"


def test_the_log_of_another_ledger_decides_nothing(ledger: Refusing) -> None:
    refusal = ledger.refuse(ledger.revised, "pin_stale")
    namesake = Play(charter(refusalKey=format_vkey(LATER.verifier)))
    namesake.join("factory", "partner", "second")
    assert ledger.wrong(refusal, Shown([one.entry for one in namesake.entries])).code == "refusal_source_other"
    elsewhere = replace(parse_refusal_file(refusal).refusal, origin="elsewhere.example/l")
    signer = Signer("elsewhere.example/l/refusals", seed("refusal"))
    assert ledger.wrong(sign_refusal(ledger.revised, elsewhere, signer)).code == "refusal_source_other"


def test_a_log_that_ends_before_decides_nothing_yet(ledger: Refusing) -> None:
    refusal = ledger.refuse(ledger.revised, "pin_stale")
    assert ledger.wrong(refusal, Shown(ledger.entries[:3])).code == "refusal_beyond"
    unsigned = Shown(ledger.entries, signed(ledger.entries[:3]))  # it has them, its log does not answer for them
    assert ledger.wrong(refusal, unsigned).code == "refusal_beyond"


def altered(ledger: Refusing) -> Source:
    entries = ledger.entries
    entries[2] = entries[2].replace(b"\n2\n", b"\n2\n1", 1)
    return Shown(entries)


def unlawful(ledger: Refusing) -> Source:
    return Shown(linked([*acts(ledger.entries), (ledger.play.seconds * MICRO + 9, ledger.revised)]))


def signed_otherwise(ledger: Refusing) -> Source:
    return Shown(ledger.entries, signed([*ledger.entries[:3], b"another"]))


def unsigned(ledger: Refusing) -> Source:
    source = Shown(ledger.entries)
    source.checkpoint = None
    return source


@pytest.mark.parametrize("make", [altered, unlawful, signed_otherwise, unsigned], ids=lambda make: make.__name__)
def test_a_log_that_is_not_in_order_decides_nothing(ledger: Refusing, make: Callable[[Refusing], Source]) -> None:
    told = ledger.wrong(ledger.refuse(ledger.revised, "pin_stale"), make(ledger))
    assert told.code == "refusal_source_unsound"
    assert told.detail.startswith("audit: ")


def test_rules_of_a_later_release_are_no_accusation(ledger: Refusing) -> None:
    refusal = ledger.refuse(ledger.revised, "pin_stale")
    body, sub = {"rules": 9_999}, ledger.play.world.ledger
    amended = ledger.play.sign("ledger.amended", by="governance", sub=sub, body=body)
    later = linked([*acts(ledger.entries), (ledger.play.seconds * MICRO + 9, amended)])
    with pytest.raises(Newer):
        ledger.judge(refusal, Shown(later))


def test_a_refusal_dated_ahead_of_all_clocks_waits(ledger: Refusing) -> None:
    ahead = (ledger.play.seconds + 86_400) * MICRO
    assert ledger.wrong(ledger.refuse(ledger.revise(), "act_expired", time=ahead)).code == "refusal_ahead"


def test_a_quorum_that_is_asked_for_must_have_seen_the_log(ledger: Refusing) -> None:
    council = Cosigner("council.example/w", COSIGNATURE_ED25519, seed("council"))
    lines = f"witness council {format_vkey(council.verifier)}\nquorum council\n"
    policy = parse_policy(f"log {format_vkey(LOG.verifier)}\n{lines}".encode())
    refusal = ledger.refuse(ledger.revised, "pin_stale")
    assert ledger.wrong(refusal, policy=policy).code == "quorum_not_met"
    note = signed(ledger.entries)
    text = note.partition(b"\n\n")[0] + b"\n"
    seen = with_cosignatures(note, [council.cosign(text, ledger.play.seconds + 1)])
    assert ledger.judge(refusal, Shown(ledger.entries, seen), policy).log.word == "witnessed"


# -- all rules -----------------------------------------------------------------------------------------------


class Answering(Play):
    """A play in which each refusal is signed, and must be lawful by the log as it stands."""

    def attempt(self, kind: str, **given: Any) -> Played | Problem:
        sent = self.sign(kind, **given)
        self._signed -= 1  # so that what is judged is what is attempted
        ended = super().attempt(kind, **given)
        if isinstance(ended, Refused):
            ledger = Refusing.__new__(Refusing)
            ledger.play = self
            log = Shown(ledger.entries, signed(ledger.entries, self.held("logKey")))
            refusal = ledger.refuse(sent, ended.code, self.held("refusalKey"))
            assert ledger.judge(refusal, log).why.code == ended.code
        return ended

    def held(self, named: str) -> Signer:
        """The key that the charter names."""
        keys = {format_vkey(signer.verifier): signer for signer in (LOG, REFUSING, *LATER_KEYS)}
        return keys[getattr(self.world.charter, named)]


LATER_KEYS = (
    Signer(ORIGIN, seed("log-key-2")),
    Signer(ORIGIN, seed("log-key-3")),
    Signer(REFUSING.name, seed("refusals")),
)
STORIES = {
    f"{noun}: {name}": story
    for noun, table in stories().items()
    for name, story in table.items()
    if "founding" not in story  # by a charter of its own, which names no refusal key
    and "state.committed" not in story  # to roots that are made up
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_every_refusal_of_every_story_is_lawful(story: str) -> None:
    Stage(Answering(charter(refusalKey=format_vkey(REFUSING.verifier)))).run(story)


def test_refusals_by_most_rules_were_judged() -> None:
    reached = set().union(*map(outcomes_of, STORIES.values())) - {"recorded"}
    assert len({code for code in reached if CATALOGUE[code].family == "rule"}) > 50
