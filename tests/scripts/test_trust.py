"""Whom a machine trusts: the first contact, and what a ledger may change afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from identity.errors import Problem
from identity.note import format_vkey
from ledger.log.policy import parse_policy
from scripts.trust import Home, meet
from tests.cast import CAST, LOG, ORIGIN, Play, charter
from tests.scripts.fake import NEXT, OTHER, THIRD, Fake, ledger_play, rotate

VKEY = format_vkey(LOG.verifier)
NEXT_VKEY = format_vkey(NEXT.verifier)


def refused(home: Home, fake: Fake, code: str) -> None:
    """The ledger is not trusted, and nothing that is known has changed."""
    before = kept(home)
    with pytest.raises(Problem) as error:
        meet(home, fake.client())
    assert error.value.code == code
    assert kept(home) == before


def kept(home: Home) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.path.glob("*") if path.name != "lock"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A machine that has met the ledger under its first key."""
    found = Home(tmp_path / "home")
    meet(found, Fake(ledger_play()).client())
    return found


def test_the_first_contact_is_told_and_kept(tmp_path: Path) -> None:
    home, fake = Home(tmp_path / "home"), Fake(ledger_play())
    verifiers, told = meet(home, fake.client())
    assert verifiers == [LOG.verifier]
    assert told is not None
    assert ORIGIN in told
    assert str(home.policy) in told
    assert [log.verifier for log in parse_policy(home.policy.read_bytes()).logs] == [LOG.verifier]
    assert home.charters() == [fake.play.world.audience]


def test_the_next_contact_is_silent_and_asks_nothing_more(home: Home) -> None:
    fake = Fake(ledger_play())
    assert meet(home, fake.client()) == ([LOG.verifier], None)
    assert fake.asked == ["/v1/ledger"]


def test_a_first_contact_that_shows_a_key_it_does_not_hold_is_refused(tmp_path: Path) -> None:
    refused(Home(tmp_path / "home"), Fake(ledger_play(), signer=OTHER), "note_unsigned")


def test_a_ledger_under_the_key_of_another_name_is_refused(tmp_path: Path) -> None:
    lies = {"origin": "bank.example/ledger", "audience": f"bank.example/ledger#{'A' * 43}"}
    refused(Home(tmp_path / "home"), Fake(ledger_play(), lies=lies), "log_key_changed")


def test_another_charter_under_a_known_name_is_refused(home: Home) -> None:
    refused(home, Fake(ledger_play(readers="members")), "charter_changed")


def test_another_key_is_refused(home: Home) -> None:
    vkey = format_vkey(OTHER.verifier)
    refused(home, Fake(ledger_play(), signer=OTHER, lies={"vkey": vkey}), "log_key_changed")


def test_a_key_that_governance_put_in_place_is_trusted_from_then_on(home: Home) -> None:
    play = ledger_play()
    rotate(play, NEXT)
    verifiers, told = meet(home, Fake(play, signer=NEXT).client())
    assert verifiers == [LOG.verifier, NEXT.verifier]
    assert told is not None
    assert meet(home, Fake(play, signer=NEXT).client()) == (verifiers, None)


def test_several_replacements_at_once_are_followed_step_by_step(home: Home) -> None:
    play = ledger_play()
    rotate(play, NEXT)
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"names": "plain"})
    rotate(play, THIRD)
    verifiers, _ = meet(home, Fake(play, signer=THIRD).client())
    assert verifiers == [LOG.verifier, THIRD.verifier]


def test_a_replaced_key_does_not_come_back(home: Home) -> None:
    play = ledger_play()
    rotate(play, NEXT)
    meet(home, Fake(play, signer=NEXT).client())
    refused(home, Fake(ledger_play(), signer=LOG), "log_key_changed")


def test_a_claimed_replacement_without_its_amendment_is_refused(home: Home) -> None:
    play = ledger_play()
    rotate(play, NEXT)
    refused(home, Fake(play, signer=NEXT, hidden=frozenset({1})), "log_key_changed")


def test_another_ledgers_amendments_prove_nothing(home: Home) -> None:
    """Somebody opens a ledger of their own that begins with the known log key, and lies about its charter's hash."""
    thief = Play(charter(governance=CAST["stranger"].did), {**CAST, "governance": CAST["stranger"]})
    rotate(thief, NEXT)
    refused(home, Fake(thief, signer=NEXT, lies={"audience": ledger_play().world.audience}), "log_key_changed")


@pytest.mark.parametrize(
    ("by", "code"),
    [("stranger", "log_key_changed"), ("governance", "signer_other")],
    ids=["in their own name", "in the name of governance"],
)
def test_an_amendment_that_governance_did_not_sign_is_refused(home: Home, by: str, code: str) -> None:
    """Somebody who has the service makes an entry that says what they want, signed by a key of theirs."""
    play = ledger_play()
    forged = play.sign("ledger.amended", by=by, key="stranger", sub=play.world.ledger, body={"logKey": NEXT_VKEY})
    rotate(play, NEXT)
    honest = play.entries[1]
    play.entries[1] = replace(honest, entry=honest.entry.replace(honest.statement.signed.compact, forged))
    refused(home, Fake(play, signer=NEXT), code)


def test_a_replacement_is_not_believed_without_a_known_charter(tmp_path: Path) -> None:
    """A policy file from elsewhere names a key only: nothing binds the governance that would replace it."""
    home = Home(tmp_path)
    home.policy.write_text(f"log {VKEY}\nquorum none\n")
    play = ledger_play()
    rotate(play, NEXT)
    refused(home, Fake(play, signer=NEXT), "log_key_changed")
    assert meet(home, Fake(ledger_play()).client()) == ([LOG.verifier], None)
    assert home.charters() == [ledger_play().world.audience]


def test_a_policy_file_that_cannot_be_read_stops_everything(home: Home) -> None:
    home.policy.write_text("nonsense\n")
    refused(home, Fake(ledger_play()), "policy_malformed")


def test_two_ledgers_are_kept_apart(home: Home) -> None:
    before = home.policy.read_text()
    home.add_log(OTHER.verifier, "http://other.example")
    assert home.policy.read_text().startswith(before)
    assert [log.url for log in home.read_policy().logs] == ["http://ledger.example", "http://other.example"]


def test_the_home_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CADASTRE_HOME", str(tmp_path))
    assert Home.here().path == tmp_path
    monkeypatch.delenv("CADASTRE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert Home.here().path == Path("/home/somebody/.config/cadastre")
