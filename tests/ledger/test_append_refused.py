"""What the rules refuse is signed: over entries that are durable and no others, and never in the way of an act."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from identity.note import Signer, Verifier, format_vkey
from ledger.append import Admitted, Outcome, Writer
from ledger.audit import StoreSource, Workers
from ledger.audit.refusal import Lawful, check_lawful
from ledger.errors import Malformed, Refused, Unavailable
from ledger.log.chain import link_of
from ledger.log.refusal import RefusalFile, parse_refusal_file
from ledger.statement import receive
from ledger.store import Store
from ledger.store.memory import MemoryStore
from ledger.store.sql import SqlStore
from tests.cast import LOG, ORIGIN, REFUSING, START, Play, charter, description, seed
from tests.ledger.test_append import MICRO, Failing, House, Keys, PlayClock, codes

LATER = Signer(REFUSING.name, seed("refusal, later"))


def build(store: Store, record: Callable[[bytes], None] | None = None) -> House:
    """A ledger whose charter names the refusal key, and a service that holds it."""
    failing, clock, keys = Failing(store), PlayClock(), Keys([LOG, REFUSING])
    play = Play(charter(refusalKey=format_vkey(REFUSING.verifier)))
    writer = Writer.open(cast(Store, failing), ORIGIN, clock, keys, record=record)
    house = House(failing, writer, play, clock, keys)
    assert codes(house.append(play.entries[0].sent)) == [0]
    return house


@pytest.fixture(params=["memory", "sqlite"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    store: Store = MemoryStore() if request.param == "memory" else SqlStore.create(tmp_path / "ledger.db")
    yield build(store)
    store.close()


def signed(outcome: Outcome) -> RefusalFile:
    assert isinstance(outcome, Refused)
    return parse_refusal_file(outcome.refusal)


def judged(house: House, outcome: Outcome) -> Lawful:
    with Workers(0) as none:
        source = StoreSource(cast(Store, house.store.store), house.head.checkpoint)
        return check_lawful(signed(outcome), source, none, house.clock.wall())


def test_each_refusal_of_a_batch_names_the_entries_before_it(house: House) -> None:
    factory, twice, partner = *house.join("factory"), *house.join("factory"), *house.join("partner")
    late = house.asset("factory", "late", exp=START - 10, iat=START - 20)
    outcomes = house.append(house.asset("lender"), factory, twice, late, partner, house.asset("stranger"))
    assert codes(outcomes) == ["party_unknown", 1, "party_known", "act_expired", 2, "party_unknown"]
    sizes = []
    for outcome in outcomes:
        if not isinstance(outcome, Admitted):
            told = signed(outcome).refusal
            sizes.append(told.size)
            entry = house.store.entry(told.size - 1)
            assert told.link == link_of(entry)
            assert (told.code, told.time) == (outcome.code, START * MICRO + told.size)
            assert judged(house, outcome).why.code == outcome.code
    assert sizes == [1, 2, 2, 3]


def test_a_batch_of_refusals_only_is_signed_over_what_was_there(house: House) -> None:
    (outcome,) = house.append(house.asset("lender"))
    assert judged(house, outcome).refusal.size == 1
    house.append(*house.join("lender"))
    assert judged(house, outcome).refusal.size == 1


def test_a_commit_that_failed_leaves_no_refusal_over_entries_that_never_were(house: House) -> None:
    factory, twice = *house.join("factory"), *house.join("factory")
    house.store.fail = "before"
    outcomes = house.append(factory, twice, house.asset("lender"))
    assert codes(outcomes) == ["store_failed"] * 3
    assert not any(getattr(outcome, "refusal", b"") for outcome in outcomes)
    assert judged(house, house.append(house.asset("lender"))[0]).refusal.size == 1


def test_a_commit_that_failed_and_took_effect_is_answered_with_what_it_refused(house: House) -> None:
    factory, twice = *house.join("factory"), *house.join("factory")
    house.store.fail = "after"
    outcomes = house.append(factory, twice)
    assert codes(outcomes) == [1, "party_known"]
    assert judged(house, outcomes[1]).refusal.size == 2


def test_a_head_that_cannot_be_recorded_keeps_refusals_back() -> None:
    full: list[OSError] = []

    def record(_: bytes) -> None:
        if full:
            raise full[0]

    house = build(MemoryStore(), record)
    full.append(OSError(28, "no space left on device"))
    with pytest.raises(OSError, match="no space"):
        house.append(*house.join("factory"), *house.join("factory"))
    full.clear()
    (outcome,) = house.append(*house.join("factory"))
    assert judged(house, outcome).refusal.size == 2  # the commit had taken effect


def test_a_key_replaced_in_the_batch_signs_from_there_on(house: House) -> None:
    house.keys.signers.append(LATER)
    amended = house.amend(refusalKey=format_vkey(LATER.verifier))
    first, _, then = house.append(house.asset("lender"), amended, house.asset("lender"))
    for outcome, size in ((first, 1), (then, 2)):
        assert judged(house, outcome).refusal.size == size
    assert signed(first).note.partition(b"\n\n")[2] != signed(then).note.partition(b"\n\n")[2]


def test_a_key_that_is_not_held_holds_up_nobody_and_may_come_later(house: House) -> None:
    assert codes(house.append(house.amend(refusalKey=format_vkey(LATER.verifier)))) == [1]
    asked: list[Verifier] = []

    def keyring(verifier: Verifier) -> Signer | None:
        asked.append(verifier)
        return house.keys(verifier)

    house.writer = Writer.open(cast(Store, house.store), ORIGIN, house.clock, keyring)
    for outcome in house.append(*(house.asset("lender", f"{number}") for number in range(9))):
        assert isinstance(outcome, Refused)
        assert outcome.refusal == b""
    assert asked.count(LATER.verifier) == 1  # key files are looked at once for a batch
    house.keys.signers.append(LATER)
    assert judged(house, house.append(house.asset("lender"))[0]).refusal.size == 2


@pytest.mark.parametrize("wrong", [Malformed("key_file_malformed"), OSError(13, "denied")], ids=["malformed", "denied"])
def test_a_key_file_that_cannot_be_read_holds_up_nobody(house: House, wrong: Exception) -> None:
    def keyring(verifier: Verifier) -> Signer | None:
        if verifier == REFUSING.verifier:
            raise wrong
        return house.keys(verifier)

    house.writer = Writer.open(cast(Store, house.store), ORIGIN, house.clock, keyring)
    refused, joined = house.append(house.asset("lender"), *house.join("factory"))
    assert codes([refused, joined]) == ["party_unknown", 1]
    assert cast(Refused, refused).refusal == b""


def test_without_a_key_in_the_charter_nothing_is_signed() -> None:
    play, writer = Play(), Writer.open(MemoryStore(), ORIGIN, PlayClock(), Keys([LOG, REFUSING]))
    (early,) = writer.append([receive(play.sign("party.joined", by="factory", body={"name": "Early"}))])
    assert isinstance(early, Refused)
    assert (early.code, early.refusal) == ("ledger_not_open", b"")
    writer.append([play.entries[0].statement])
    (late,) = writer.append([receive(play.sign("asset.registered", by="stranger", body=description()))])
    assert isinstance(late, Refused)
    assert (late.code, late.refusal) == ("party_unknown", b"")


def test_only_rules_are_answered_for(house: House) -> None:
    other = Signer(ORIGIN, seed("a log key that is not held"))
    (outcome,) = house.append(house.amend(logKey=format_vkey(other.verifier)))
    assert isinstance(outcome, Unavailable)
    assert outcome.code == "log_key_absent"
    assert not hasattr(outcome, "refusal")
