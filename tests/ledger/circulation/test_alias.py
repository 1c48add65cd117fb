"""Aliases: their stories, what a subject is found by, and for whom an alias is attested."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.circulation.alias import ALIASES_MAX
from ledger.circulation.asset import Asset
from ledger.circulation.attestation import Attestation
from ledger.circulation.party import Party
from ledger.errors import Malformed
from ledger.statemap import MapChanges, listed, lookups_proven
from ledger.values import is_of
from tests.cast import CAST, Play, digest
from tests.ledger.circulation.test_random_play import check_touches_suffice
from tests.stories.alias import GTIN, HANDLE, LEI, STORIES
from tests.stories.stage import play_story

AUTHORITIES = [{"did": CAST["lender"].did, "roles": ["registrar"]}]


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    play_story(STORIES[name])


def begun() -> Play:
    """The lender is the registrar; factory and partner claim one LEI, the factory a GTIN and a handle for its asset."""
    play = Play()
    play.join("lender", "factory", "partner")
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"authorities": AUTHORITIES})
    for name in ("factory", "partner"):
        play.act("party.aliased", by=name, sub=play.party(name), body={"claimed": [LEI]})
    asset = play.register("factory")
    play.act("asset.aliased", by="factory", sub=asset, body={"claimed": [GTIN, HANDLE]})
    return play


def attest(play: Play, subject: str, alias: str) -> str:
    body = {"subject": subject, "alias": alias, "evidence": digest("extract of the register")}
    return play.act("alias.attested", by="lender", body=body).subject


def asset_of(play: Play) -> str:
    return next(one.id for one in play.subjects.values() if isinstance(one.state, Asset))


def names_of(play: Play, subject: str) -> set[tuple[str, str]]:
    found: Any = play.subjects[subject].state
    return {(name, value) for name, value in found.lookups() if name in ("alias", "attested")}


def test_a_subject_is_listed_under_what_it_claims_and_what_is_attested() -> None:
    play = begun()
    factory, asset = play.party("factory"), asset_of(play)
    assert names_of(play, factory) == names_of(play, play.party("partner")) == {("alias", LEI)}
    assert names_of(play, asset) == {("alias", GTIN), ("alias", HANDLE)}
    seal, mark = attest(play, factory, LEI), attest(play, asset, HANDLE)
    assert names_of(play, factory) == {("alias", LEI), ("attested", LEI)}
    assert names_of(play, asset) == {("alias", GTIN), ("alias", HANDLE), ("attested", HANDLE)}
    assert play.state(Party, factory).aliases == [{"alias": LEI, "status": "attested", "attestation": seal}]
    by = ("by", play.party("lender"))
    assert set(play.state(Attestation, mark).lookups()) == {by, ("subject", asset), ("attestation-of", HANDLE)}


def test_attesting_leaves_what_the_subject_does_next_as_it_was() -> None:
    play = begun()
    factory = play.party("factory")
    signed = play.sign("party.aliased", by="factory", sub=factory, body={"withdrawn": [LEI]})
    last = play.last(factory)
    attest(play, factory, LEI)
    assert play.last(factory) == last
    play.admit(signed)
    assert names_of(play, factory) == set()


def test_without_its_attestation_an_alias_is_claimed_again_and_free_for_another() -> None:
    play = begun()
    factory, partner = play.party("factory"), play.party("partner")
    seal = attest(play, factory, LEI)
    play.refused("alias_attested_already", "alias.attested", by="lender", body=body_of(partner))
    play.act("alias.disputed", by="lender", sub=seal, body={"subject": factory, "reason": "merged"})
    assert play.state(Party, factory).aliases == [{"alias": LEI, "status": "claimed"}]
    assert (play.state(Attestation, seal).status, play.state(Attestation, seal).reason) == ("disputed", "merged")
    attest(play, partner, LEI)
    assert play.world.found("attested", LEI) == partner


def body_of(subject: str, alias: str = LEI) -> dict[str, Any]:
    return {"subject": subject, "alias": alias, "evidence": digest("extract")}


def test_an_attestation_of_what_was_withdrawn_touches_nothing_any_more() -> None:
    play = begun()
    factory = play.party("factory")
    seal = attest(play, factory, LEI)
    for change in ({"withdrawn": [LEI]}, {"claimed": [LEI]}):
        play.act("party.aliased", by="factory", sub=factory, body=change)
    other = attest(play, factory, LEI)
    before = play.subjects[factory]
    play.act("alias.disputed", by="lender", sub=seal, body={"subject": factory, "reason": "as asked"})
    assert play.subjects[factory] == before
    assert play.state(Party, factory).aliases == [{"alias": LEI, "status": "attested", "attestation": other}]


def test_an_alias_is_attested_for_a_party_or_an_asset_and_not_for_both() -> None:
    play = begun()
    factory, asset = play.party("factory"), asset_of(play)
    play.act("party.aliased", by="factory", sub=factory, body={"claimed": [HANDLE]})
    attest(play, asset, HANDLE)
    refused = play.refused("alias_attested_already", "alias.attested", by="lender", body=body_of(factory, HANDLE))
    assert refused.subject == asset
    attest(play, factory, LEI)


def test_an_alias_passes_with_the_asset() -> None:
    play = begun()
    asset = asset_of(play)
    attest(play, asset, GTIN)
    play.transfer("factory", asset, "partner")
    assert play.state(Asset, asset).aliases[0]["status"] == "attested"
    play.act("asset.aliased", by="partner", sub=asset, body={"withdrawn": [GTIN]})
    assert names_of(play, asset) == {("alias", HANDLE)}


def test_the_lists_of_who_claims_an_alias_and_for_whom_it_is_attested_can_be_proven() -> None:
    proven = lookups_proven()
    for name in ("party.alias", "party.attested", "asset.alias", "asset.attested"):
        assert proven[name] == "alias"
    assert is_of("alias", LEI)
    assert not is_of("alias", LEI.upper())
    play = begun()
    factory = play.party("factory")
    before = play.subjects[factory]
    attest(play, factory, LEI)
    after = play.subjects[factory]
    assert listed(after.state) - listed(before.state) == {("party", "attested", LEI)}
    changes = MapChanges()
    changes.add([(before, after)])
    assert len(changes.lists) == 1


def test_as_many_aliases_as_may_be_keep_every_other_act_possible() -> None:
    play = begun()
    factory = play.party("factory")
    handles = [f"handle:88.118.8/{number:0120}" for number in range(ALIASES_MAX - 1)]
    for some in (handles[:16], handles[16:]):
        play.act("party.aliased", by="factory", sub=factory, body={"claimed": some})
    assert len(play.subjects[factory].state.encode()) < 16_384
    play.act("party.left", by="factory", sub=factory, body={})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"claimed": [LEI, LEI]},
        {"claimed": ["lei:529900T8BM49AURSDO65"]},
        {"claimed": [f"handle:88.118.8/{number}" for number in range(17)]},
        {"claimed": LEI},
    ],
)
def test_a_change_names_each_alias_once_and_in_its_spelling(body: dict[str, Any]) -> None:
    play = begun()
    wrong = play.attempt("party.aliased", by="factory", sub=play.party("factory"), body=body)
    assert isinstance(wrong, Malformed)
    assert wrong.code == "body_malformed"
    if body.get("claimed") == ["lei:529900T8BM49AURSDO65"]:
        assert wrong.pointer == "/payload/body/claimed/0"
        assert "check digits" in str(wrong)


def test_what_the_acts_touch_suffices_to_judge_them() -> None:
    play = begun()
    seal = attest(play, play.party("factory"), LEI)
    body = {"subject": play.party("factory"), "reason": "merged"}
    play.act("alias.disputed", by="lender", sub=seal, body=body)
    check_touches_suffice(play)
