"""Credentials on record: their stories, what they are found by, and what the holder's party has of them."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.circulation.charter import Ledger
from ledger.circulation.credential import HELD_MAX, Credential
from ledger.circulation.party import Party
from ledger.errors import Malformed, Refused
from tests.cast import CAST, DAY, Play, description, digest
from tests.ledger.circulation.test_random_play import check_touches_suffice
from tests.stories.credential import STORIES
from tests.stories.stage import play_story

COUNTS = [{"types": ["Badge"], "dids": [CAST["lender"].did]}]


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    play_story(STORIES[name])


def begun(**amended: Any) -> Play:
    """The lender's accreditations count."""
    play = Play()
    play.join("lender", "factory", "partner", "second")
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"issuers": COUNTS, **amended})
    return play


def recorded(play: Play, title: str, *, by: str = "lender", holder: str = "factory", **changes: Any) -> str:
    body = {"issuer": play.party(by), "holder": play.party(holder), "type": "Badge", "digest": digest(title)}
    return play.act("credential.recorded", by=by, body=body | {"validFrom": play.seconds} | changes).subject


def held(play: Play, name: str = "factory") -> list[str]:
    return [one["credential"] for one in play.state(Party, play.party(name)).credentials]


def test_a_credential_is_found_by_its_sides_its_digest_and_its_place() -> None:
    play = begun()
    lender, factory = play.party("lender"), play.party("factory")
    badge = recorded(play, "badge", place={"list": 2, "index": 9})
    plain = {
        ("holder", factory),
        ("issuer", lender),
        ("credential-type", "Badge"),
        ("sha256", digest("badge")),
        ("issued", f"{lender}/{digest('badge')}"),
        ("listed", f"{lender}/2/9"),
    }
    assert set(play.state(Credential, badge).lookups()) == plain | {("status", "active")}
    end = {"sub": badge, "body": {"holder": factory}}
    play.act("credential.suspended", by="lender", **end)
    expected = plain | {("status", "suspended"), ("suspended", f"{lender}/2")}
    assert set(play.state(Credential, badge).lookups()) == expected
    play.act("credential.revoked", by="lender", **end)
    assert set(play.state(Credential, badge).lookups()) == plain | {("status", "revoked"), ("revoked", f"{lender}/2")}


def test_what_has_no_place_is_on_no_list() -> None:
    play = begun()
    badge = recorded(play, "badge")
    play.act("credential.revoked", by="lender", sub=badge, body={"holder": play.party("factory")})
    assert {name for name, _ in play.state(Credential, badge).lookups()}.isdisjoint({"listed", "revoked"})


def test_the_holder_has_what_counts_with_all_that_rules_need() -> None:
    play = begun()
    until = play.seconds + DAY
    badge = recorded(play, "badge", role="assessor", validUntil=until)
    recorded(play, "fake", by="second")
    assert play.state(Party, play.party("factory")).credentials == [
        {
            "credential": badge,
            "type": "Badge",
            "role": "assessor",
            "issuer": CAST["lender"].did,
            "since": play.seconds,
            "until": until,
        }
    ]


def test_what_is_over_or_counts_no_more_drops_out() -> None:
    play = begun()
    short = recorded(play, "short", validUntil=play.seconds + DAY)
    long = recorded(play, "long")
    assert held(play) == [short, long]
    play.tick(DAY)
    third = recorded(play, "third")
    assert held(play) == [short, long, third]
    play.tick(1)
    fourth = recorded(play, "fourth")
    assert held(play) == [long, third, fourth]
    play.act("credential.suspended", by="lender", sub=third, body={"holder": play.party("factory")})
    play.act("credential.revoked", by="lender", sub=long, body={"holder": play.party("factory")})
    assert held(play) == [fourth]
    other = [{"types": ["Badge"], "dids": [CAST["second"].did]}]
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"issuers": other})
    fifth = recorded(play, "fifth", by="second")
    assert held(play) == [fifth]


def test_only_issuers_that_count_can_fill_what_a_holder_has() -> None:
    play = begun()
    badges = [recorded(play, f"badge {number}") for number in range(HELD_MAX)]
    assert held(play) == badges
    stray = recorded(play, "stray", by="second")
    assert held(play) == badges
    body = {"issuer": play.party("lender"), "holder": play.party("factory"), "type": "Badge"}
    body |= {"digest": digest("one more"), "validFrom": play.seconds}
    play.refused("credentials_too_many", "credential.recorded", by="lender", body=body)
    end = {"body": {"holder": play.party("factory")}}
    play.act("credential.suspended", by="lender", sub=badges[0], **end)
    play.act("credential.recorded", by="lender", body=body)
    play.refused("credentials_too_many", "credential.reinstated", by="lender", sub=badges[0], **end)
    play.act("credential.revoked", by="second", sub=stray, **end)
    assert len(held(play)) == HELD_MAX


def test_an_issuer_may_attest_itself() -> None:
    play = begun()
    badge = recorded(play, "badge", holder="lender")
    assert held(play, "lender") == [badge]
    play.act("credential.revoked", by="lender", sub=badge, body={"holder": play.party("lender")})
    assert held(play, "lender") == []


def test_two_who_revoke_at_once_do_not_hinder_other_acts_of_the_holder() -> None:
    """What an issuer does to a holder's credentials advances nothing of the holder's own."""
    play = begun()
    before = play.last(play.party("factory"))
    badge = recorded(play, "badge")
    assert play.last(play.party("factory")) == before
    assert play.last(badge) == play.entries[-1].id


def test_a_demand_holds_for_the_party_whose_act_it_is_whoever_signs() -> None:
    play = begun(demands=[{"kind": "asset.*", "type": "Badge"}])
    powers = {"to": CAST["stranger"].did, "nature": "person", "powers": {"kinds": ["asset.*"]}}
    via = play.act("party.delegated", by="factory", body=powers | {"until": play.seconds + DAY}).id
    other = play.act("party.delegated", by="partner", body=powers | {"until": play.seconds + DAY}).id
    recorded(play, "of the partner", holder="partner")
    with pytest.raises(Refused, match="credential_demanded"):
        play.admit(delegated(play, "factory", via))
    play.admit(delegated(play, "partner", other))
    recorded(play, "of the factory")
    play.admit(delegated(play, "factory", via))
    check_touches_suffice(play)


def delegated(play: Play, by: str, via: str) -> bytes:
    stranger = CAST["stranger"]
    return play.sign("asset.registered", by=by, key="stranger", via=via, body=description(stranger.legal))


def test_an_issuer_that_passed_to_another_did_counts_by_the_one_the_charter_named() -> None:
    play = begun(demands=[{"kind": "asset.*", "type": "Badge"}])
    play.succeed("lender", "spare")
    badge = recorded(play, "badge", by="spare")
    assert play.state(Credential, badge).issuer == play.party("lender")
    assert [one["issuer"] for one in play.state(Party, play.party("factory")).credentials] == [CAST["lender"].did]
    play.register("factory")


def test_an_amendment_names_issuers_and_demands_anew() -> None:
    play = begun(demands=[{"kind": "asset.*", "type": "Badge", "role": "assessor"}])
    charter = play.state(Ledger, play.world.ledger or "")
    assert charter.issuers == [{"types": ["Badge"], "dids": [CAST["lender"].did], "roles": []}]
    assert charter.demands == [{"kind": "asset.*", "type": "Badge", "role": "assessor"}]
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"demands": []})
    after = play.state(Ledger, play.world.ledger or "")
    assert (after.issuers, after.demands) == (charter.issuers, [])


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"type": "Two Words"}, "/type"),
        ({"type": "https://example.com/types#Accreditation"}, "/type"),
        ({"role": "An Assessor"}, "/role"),
        ({"digest": "A" * 42 + "B"}, "/digest"),
        ({"validFrom": -1}, "/validFrom"),
        ({"place": {"list": 0, "index": -1}}, "/place/index"),
        ({"place": {"list": 0}}, "/place/index"),
    ],
)
def test_a_malformed_body_is_refused_at_its_place(changes: dict[str, Any], at: str) -> None:
    play = begun()
    with pytest.raises(Malformed) as caught:
        recorded(play, "badge", **changes)
    assert (caught.value.code, caught.value.pointer) == ("body_malformed", f"/payload/body{at}")
