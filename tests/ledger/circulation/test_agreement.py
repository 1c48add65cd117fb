"""Agreements: their stories, every move in every state by every signer, and the digest both sides sign."""

import copy
from typing import Any

import pytest

from ledger.circulation.agreement import Agreement, digest_of_terms
from ledger.circulation.asset import Asset
from ledger.circulation.policy import digest_of
from ledger.errors import Problem
from tests.cast import ANY_USE, POLICY, Play, money
from tests.stories.agreement import STORIES
from tests.stories.stage import play_story


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    play_story(STORIES[name])


# The Dataspace Protocol's table (2025-1, contract negotiation): state, word, who may say it.
PROTOCOL = {
    ("REQUESTED", "offered", "provider"),
    ("REQUESTED", "agreed", "provider"),
    ("REQUESTED", "terminated", "provider"),
    ("REQUESTED", "terminated", "consumer"),
    ("OFFERED", "requested", "consumer"),
    ("OFFERED", "accepted", "consumer"),
    ("OFFERED", "terminated", "provider"),
    ("OFFERED", "terminated", "consumer"),
    ("ACCEPTED", "agreed", "provider"),
    ("ACCEPTED", "terminated", "provider"),
    ("AGREED", "verified", "consumer"),
    ("AGREED", "terminated", "consumer"),
    ("VERIFIED", "finalized", "provider"),
    ("VERIFIED", "terminated", "provider"),
}
WORDS = ("requested", "offered", "accepted", "agreed", "verified", "finalized", "terminated")
BY_MOVE = {"agreement_role_wrong", "agreement_state_wrong", "offer_own"}
SIGNERS = {"provider": "factory", "consumer": "partner", "stranger": "second"}
WAYS: dict[str, list[tuple[str, str]]] = {
    "REQUESTED": [],
    "OFFERED": [("offered", "factory")],
    "ACCEPTED": [("offered", "factory"), ("accepted", "partner")],
    "AGREED": [("agreed", "factory")],
    "VERIFIED": [("agreed", "factory"), ("verified", "partner")],
    "FINALIZED": [("agreed", "factory"), ("verified", "partner"), ("finalized", "factory")],
    "TERMINATED": [("terminated", "partner")],
}


def negotiation(ways: list[tuple[str, str]]) -> tuple[Play, str]:
    """A negotiation of the partner on the factory's offer, after these words."""
    play = Play()
    play.join("factory", "partner", "second")
    asset = play.register("factory")
    agreement = play.request("partner", play.offer("factory", asset, price=money(9_000)), price=money(5_000))
    for word, by in ways:
        play.act(f"agreement.{word}", by=by, **said(play, agreement, word))
    return play, agreement


def said(play: Play, agreement: str, word: str) -> dict[str, Any]:
    """What somebody says who goes on with the negotiation by this word."""
    state = play.state(Agreement, agreement)
    if word == "requested":
        return {"sub": agreement, "body": play.proposal_of(state.offer)}
    if word == "offered":
        return {"sub": agreement, "body": play.proposal_of(state.offer) | {"consumer": state.consumer}}
    return play.next_act(agreement, word)


@pytest.mark.parametrize("state", WAYS)
def test_in_every_state_exactly_the_protocols_moves_are_admitted(state: str) -> None:
    play, agreement = negotiation(WAYS[state])
    assert play.state(Agreement, agreement).state == state
    for word in WORDS:
        for role, by in SIGNERS.items():
            here = copy.deepcopy(play)
            ended = here.attempt(f"agreement.{word}", by=by, **said(here, agreement, word))
            admitted = not isinstance(ended, Problem)
            if isinstance(ended, Problem):
                assert (ended.code == "agreement_not_yours") == (role == "stranger")
                assert ended.code in {*BY_MOVE, "agreement_not_yours"}
            else:
                assert here.state(Agreement, agreement).state == word.upper()
            assert admitted == ((state, word, role) in PROTOCOL), f"{word} by {role} in {state}"


def test_a_refusal_by_state_says_what_is_possible() -> None:
    play, agreement = negotiation(WAYS["ACCEPTED"])
    no = play.refused(
        "agreement_state_wrong", "agreement.terminated", by="partner", **said(play, agreement, "terminated")
    )
    assert no.detail == "it is ACCEPTED, where the provider may say agreed or terminated"
    play, agreement = negotiation(WAYS["TERMINATED"])
    no = play.refused(
        "agreement_state_wrong", "agreement.terminated", by="partner", **said(play, agreement, "terminated")
    )
    assert no.detail == "it is TERMINATED, where nothing more can be said"


def test_both_sides_sign_one_digest_of_who_agrees_on_what() -> None:
    play, agreement = negotiation(WAYS["FINALIZED"])
    state = play.state(Agreement, agreement)
    (asset,) = play.terms_of(state.offer)["assets"]
    expected = digest_of(
        {
            "agreement": agreement,
            "assigner": play.party("factory"),
            "assignee": play.party("partner"),
            "offer": state.offer,
            "assets": [asset],
            "policy": POLICY,
            "price": money(5_000),
        }
    )
    signed = {played.statement.claims.kind: played.statement.claims.body for played in play.entries[-3:]}
    assert state.digest == expected
    assert signed["agreement.agreed"]["digest"] == expected
    assert signed["agreement.verified"]["digest"] == expected
    assert asset["sha256"] == play.state(Asset, asset["asset"]).sha256


def test_the_digest_differs_with_every_part_of_what_is_agreed() -> None:
    assets = [{"asset": "a", "version": "v", "sha256": "x"}]
    terms = {"assets": assets, "policy": POLICY, "price": money(1)}
    base = ("agreement", "provider", "consumer", "offer")
    digests = [digest_of_terms(*base, terms)]
    digests += [
        digest_of_terms(*(part + "!" * (n == place) for n, part in enumerate(base)), terms) for place in range(4)
    ]
    others: list[dict[str, Any]] = [
        {"assets": [assets[0] | {"sha256": "y"}]},
        {"assets": [assets[0] | {"version": "w"}]},
        {"policy": ANY_USE},
        {"price": money(2)},
        {"price": None},
    ]
    digests += [digest_of_terms(*base, terms | other) for other in others]
    assert len(set(digests)) == len(digests)


def test_the_state_is_lean_and_names_where_the_terms_stand() -> None:
    play, agreement = negotiation(WAYS["OFFERED"])
    state = play.state(Agreement, agreement)
    assert state.statedIn == play.entries[-1].index
    assert state.policy == digest_of(POLICY)
    assert state.price is None  # the counter-offer names none
    play.act("agreement.accepted", by="partner", **said(play, agreement, "accepted"))
    play.tick(hours=1)
    play.act("agreement.agreed", by="factory", **said(play, agreement, "agreed"))
    agreed = play.state(Agreement, agreement)
    assert (agreed.statedIn, agreed.agreedAt) == (play.entries[-1].index, play.seconds)
    assert agreed.digest == state.digest


def test_an_agreement_is_found_by_its_sides_its_offer_its_assets_and_its_state() -> None:
    play, agreement = negotiation([])
    state = play.state(Agreement, agreement)
    assert set(state.lookups()) == {
        ("provider", play.party("factory")),
        ("consumer", play.party("partner")),
        ("offer", state.offer),
        ("state", "REQUESTED"),
        ("asset", state.assets[0]["asset"]),
    }


def test_a_request_pins_the_offer_without_advancing_it() -> None:
    play = Play()
    play.join("factory", "partner", "second")
    offer = play.offer("factory", play.register("factory"))
    before = play.last(offer)
    play.request("partner", offer)
    play.request("second", offer)
    assert play.last(offer) == before


def test_a_termination_keeps_reason_and_code() -> None:
    play, agreement = negotiation([])
    body = {"reason": "the budget is gone", "code": "BUDGET"}
    play.act("agreement.terminated", by="partner", sub=agreement, body=body)
    state = play.state(Agreement, agreement)
    assert (state.state, state.reason, state.code) == ("TERMINATED", "the budget is gone", "BUDGET")


def test_licences_are_counted_beside_the_owners_acts() -> None:
    play, agreement = negotiation(WAYS["VERIFIED"])
    asset = play.state(Agreement, agreement).assets[0]["asset"]
    before = play.subjects[asset]
    played = play.act("agreement.finalized", by="factory", **said(play, agreement, "finalized"))
    after = play.subjects[asset]
    assert play.state(Asset, asset).licences == 1
    assert (after.last, after.index) == (before.last, played.index)
