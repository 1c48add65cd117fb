"""Private fields shown, looked at and erased: their stories, and what states say of them."""

from __future__ import annotations

from typing import Any

import pytest

from identity.did import multibase_of
from ledger.circulation.agreement import Agreement
from ledger.circulation.charter import Ledger
from ledger.circulation.disclosure import Erasure, Grant, Inspection, gone, shows
from ledger.circulation.offer import Offer
from ledger.circulation.party import Party
from ledger.circulation.transfer import Transfer
from ledger.errors import Malformed
from ledger.statement import stated_in
from tests.cast import CAST, DAY, Play, again, disclosures, money
from tests.ledger.circulation.test_random_play import check_states_are_their_bytes, check_touches_suffice
from tests.stories.disclosure import STORIES
from tests.stories.stage import play_story

BECAUSE = {"code": "case-4711", "ground": "Art. 58 GDPR, case 4711"}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    play_story(STORIES[name])


def begun(**amended: Any) -> Play:
    """The factory joined in private, by entry 1; the lender is an authority that may look."""
    play = Play()
    body = {"name": CAST["factory"].legal, "contact": {"email": "hello@factory.example"}}
    play.act("party.joined", by="factory", body=body, private=["name", "contact"])
    play.join("partner", "second", "lender")
    authority = {"did": CAST["lender"].did, "roles": ["regulator"]}
    amended = {"authorities": [authority], "inspectors": ["regulator"], **amended}
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body=amended)
    return play


def named(play: Play, entry: int = 1) -> dict[str, Any]:
    statement = play.entries[entry].statement
    return {"entry": entry, "party": play.world.party(statement.claims.iss), "subject": statement.about}


def digests(play: Play, entry: int = 1) -> dict[str, str]:
    stated = stated_in(play.entries[entry].statement)
    assert stated is not None
    return stated.fields


def test_a_grant_says_what_it_shows_of_which_entry_and_until_when() -> None:
    play = begun()
    factory, partner = play.party("factory"), play.party("partner")
    body = {"subject": factory, "entry": 1, "fields": ["/name"], "to": [partner], "until": play.seconds + DAY}
    granted = play.act("disclosure.granted", by="factory", body=body)
    sub, key = granted.subject, multibase_of(CAST["factory"].key.public)
    grant = play.state(Grant, sub)
    assert grant == Grant(factory, factory, 1, ["/name"], [partner], play.seconds + DAY, granted.index, key, None)
    assert set(grant.lookups()) == {("shows", shows(factory, factory, partner)), ("party", factory)}
    assert grant.shown(1, play.seconds + DAY) == ["/name"]
    assert grant.shown(1, play.seconds + DAY + 1) == []
    assert grant.shown(2, play.seconds) == []
    play.act("disclosure.withdrawn", by="factory", sub=sub, body={})
    grant = play.state(Grant, sub)
    assert grant.status == "withdrawn"
    assert set(grant.lookups()) == {("party", factory)}
    assert grant.shown(1, play.seconds) == []


def test_a_grant_without_an_entry_shows_all_that_the_party_states_about_the_subject() -> None:
    play = begun()
    body = {"subject": play.party("factory"), "to": [play.party("partner")]}
    grant = play.state(Grant, play.act("disclosure.granted", by="factory", body=body).subject)
    assert grant.shown(1, play.seconds) is None
    assert grant.shown(999, play.seconds + 9_999 * DAY) is None


def test_a_look_stands_in_the_history_of_the_party_and_of_the_subject() -> None:
    play = begun()
    offer = play.offer("factory", play.register("factory"), price=money(5), private=["price"])
    at = play.entries[-1].index
    look = play.act("disclosure.inspected", by="lender", body=named(play, at) | BECAUSE)
    inspection = play.state(Inspection, look.subject)
    assert (inspection.by, inspection.party, inspection.subject) == (play.party("lender"), play.party("factory"), offer)
    assert (inspection.fields, inspection.opened, inspection.at) == (["/price"], look.index, play.seconds)
    numbers = {play.subjects[one].no for one in (offer, play.party("factory"), play.party("lender"), look.subject)}
    assert set(look.change.mentioned) == numbers


def test_a_tombstone_names_what_is_gone_and_why_and_leaves_the_states_as_they_were() -> None:
    play = begun()
    before = play.subjects[play.party("factory")].state
    name, contact = digests(play)["/name"], digests(play)["/contact"]
    body = named(play) | BECAUSE | {"digests": [contact, name]}
    entry = play.act("disclosure.erased", by="factory", body=body)
    erasure = play.state(Erasure, entry.subject)
    assert (erasure.fields, erasure.digests) == (["/contact", "/name"], [contact, name])
    assert (erasure.by, erasure.code, erasure.ground, erasure.at) == (
        play.party("factory"),
        *BECAUSE.values(),
        play.seconds,
    )
    assert {("digest", name), ("gone", gone(1, name)), ("party", erasure.party)} <= {*erasure.lookups()}
    assert play.subjects[play.party("factory")].state == before
    assert again(play).snapshot() == play.snapshot()


def test_what_both_sides_stated_is_erased_of_each_statement_by_itself() -> None:
    play = begun()
    offer = play.offer("second", play.register("second"), price=money(9))
    agreement = play.request("factory", offer, price=money(7), private=["terms.price"])
    asked = play.entries[-1].index
    play.act("agreement.agreed", by="second", **play.next_act(agreement, "agreed"))
    said = play.entries[-1].index
    (price,) = digests(play, asked).values()
    assert digests(play, said) == {"/terms/price": price}
    play.act("disclosure.erased", by="factory", body=named(play, asked) | BECAUSE | {"digests": [price]})
    play.refused(
        "eraser_not_entitled",
        "disclosure.erased",
        by="factory",
        body=named(play, said) | BECAUSE | {"digests": [price]},
    )
    play.act("disclosure.erased", by="second", body=named(play, said) | BECAUSE | {"digests": [price]})
    assert play.state(Agreement, agreement).price == {"_sd": [price]}
    check_touches_suffice(play)
    check_states_are_their_bytes(play)


def test_who_sees_is_said_by_the_noun_and_nobody_does_where_it_says_nothing() -> None:
    play = begun()
    second, partner, factory = (play.party(name) for name in ("second", "partner", "factory"))
    asset = play.register("second")
    to_all = play.offer("second", asset, price=money(9), private=["price"])
    to_one = play.offer("second", asset, price=money(9), private=["price"], to=[partner])
    agreement = play.request("partner", to_all)
    transfer = play.propose("second", asset, "factory")
    assert [*play.state(Offer, to_all).sees()] == [second]
    assert [*play.state(Offer, to_one).sees()] == [second, partner]
    assert [*play.state(Agreement, agreement).sees()] == [second, partner]
    assert [*play.state(Transfer, transfer).sees()] == [second, factory]
    assert [*play.state(Party, factory).sees()] == []
    assert [*play.state(Ledger, play.world.ledger or "").sees()] == []


def test_the_life_of_the_cast_has_each_of_them() -> None:
    play = begun()
    disclosures(play)
    kinds = {one.statement.claims.kind for one in play.entries}
    assert {kind for kind in kinds if kind.startswith("disclosure.")} == {
        "disclosure.granted",
        "disclosure.withdrawn",
        "disclosure.inspected",
        "disclosure.erased",
    }
    check_touches_suffice(play)


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"fields": []}, "/fields"),
        ({"fields": ["name"]}, "/fields/0"),
        ({"fields": ["/name", "/name"]}, ""),
        ({"entry": -1}, "/entry"),
        ({"subject": "factory"}, "/subject"),
        ({"to": []}, "/to"),
    ],
)
def test_a_malformed_body_is_refused_at_its_place(changes: dict[str, Any], at: str) -> None:
    play = begun()
    body = {"subject": play.party("factory"), "entry": 1, "to": [play.party("partner")]}
    with pytest.raises(Malformed) as caught:
        play.act("disclosure.granted", by="factory", body=body | changes)
    assert (caught.value.code, caught.value.pointer) == ("body_malformed", f"/payload/body{at}")
