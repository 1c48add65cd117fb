"""As whom a key signs, out of what a ledger says of it."""

from __future__ import annotations

from typing import Any

import pytest

from api.client import Speaker
from api.client.answers import Acting, Former, Key, Speaking
from api.client.speaking import Voices
from identity.errors import Problem
from ledger.errors import Malformed, Refused

NOW = 1_760_000_000
OWN = Speaker("did:key:zOwn", "did:key:zOwn")
WORKS, RHEIN = "party_works", "party_rhein"
ASSET, OTHER = "asset_0123456789abcdefghjkmnpqrs", "asset_1123456789abcdefghjkmnpqrs"
VICTIM = "party_0123456789abcdefghjkmnpqrs"
DELEGATION, VIA = "delegation_0123456789abcdefghjkmnpqrs", "A" * 43


def given(via: str, *kinds: str, by: str = WORKS, **more: Any) -> Acting:
    did, name = (f"did:key:z{by}", by.removeprefix("party_"))
    stated = {"to": OWN.did, "party": by, "did": did, "name": name, "until": NOW + 9, **more}
    return Acting(delegation=f"delegation_{via}", via=via, kinds=list(kinds), **stated)


def voices(*given_: Acting, wanted: str | None = None, **more: Any) -> Voices:
    return Voices(OWN, Key(parties=more.get("parties", []), delegations=list(given_), former=more.get("former", [])),
                  wanted, NOW)  # fmt: skip


def code(problem: pytest.ExceptionInfo[Problem]) -> str:
    return problem.value.code


def test_a_key_that_signs_for_nobody_signs_as_itself() -> None:
    assert voices().speaker("party.joined") == OWN
    assert voices().did == OWN.iss


def test_a_party_speaks_for_itself_whatever_was_delegated_to_it_unless_the_other_is_named() -> None:
    own = Speaking(party="party_own", did=OWN.iss)
    both = {"parties": [own]}
    assert voices(given("a", "*"), **both).speaker("asset.retired") == OWN
    assert voices(given("a", "*"), wanted="works", **both).speaker("asset.retired").via == "a"


@pytest.mark.parametrize("wanted", [WORKS, "works", "did:key:zparty_works", "delegation_a", "a"])
def test_a_delegation_is_chosen_by_its_party_or_by_itself(wanted: str) -> None:
    assert voices(given("a", "*"), given("b", "*", by=RHEIN), wanted=wanted).speaker() == Speaker(
        "did:key:zparty_works", OWN.did, "a"
    )


def test_what_is_wanted_and_not_there_is_told_with_what_is() -> None:
    with pytest.raises(Malformed, match=r"speaker_unknown: nobody; it signs for:\n  party_works \(works\)"):
        voices(given("a", "*"), wanted="nobody")


def test_the_one_that_covers_the_kind_signs() -> None:
    asked = voices(given("a", "asset.*"), given("b", "offer.opened", by=RHEIN))
    assert asked.speaker("asset.retired").via == "a"
    assert asked.speaker("offer.opened").via == "b"
    assert (asked.chosen or "").startswith("party_rhein (rhein), under delegation_b: offer.opened, until ")
    with pytest.raises(Refused) as none:
        asked.speaker("transfer.proposed")
    assert code(none) == "kind_not_delegated"
    for kind in (None, "party.delegated"):  # whether it may be given on is not said by its kinds
        with pytest.raises(Malformed) as unclear:
            asked.speaker(kind)
        assert code(unclear) == "speaker_unclear"


def test_the_one_that_covers_the_subject_signs() -> None:
    asked = voices(given("a", "*", subjects=[ASSET]), given("b", "*", subjects=[OTHER]))
    assert asked.speaker("asset.retired", {ASSET, WORKS}).via == "a"
    with pytest.raises(Refused) as none:
        asked.speaker("asset.retired", {ASSET[:-1] + "t"})
    assert code(none) == "subject_not_delegated"
    with pytest.raises(Malformed) as unclear:  # of which asset an offer is, the rules know
        asked.speaker("offer.withdrawn", {"offer_" + OTHER[6:]})
    assert code(unclear) == "speaker_unclear"


def test_nobody_is_left_for_another_by_a_delegation() -> None:
    with pytest.raises(Refused) as none:
        voices(given("a", "*"), given("b", "*", by=RHEIN)).speaker("party.left")
    assert code(none) == "kind_not_delegated"


def test_what_has_ended_is_used_where_there_is_nothing_else_so_that_the_rules_say_so() -> None:
    over = given("a", "*", until=NOW - 1)
    assert voices(over, given("b", "*")).speaker("asset.retired").via == "b"
    assert voices(over).speaker("asset.retired").via == "a"
    left = Speaking(party=WORKS, did="did:key:zLeft", left=True)
    assert voices(parties=[left]).did == "did:key:zLeft"
    assert voices(over, parties=[left]).did == "did:key:zparty_works"


def test_the_party_is_clear_where_all_delegations_are_of_one() -> None:
    assert voices(given("a", "asset.*"), given("b", "offer.*")).did == "did:key:zparty_works"
    with pytest.raises(Malformed) as unclear:
        assert voices(given("a", "asset.*"), given("b", "offer.*", by=RHEIN)).did
    assert code(unclear) == "speaker_unclear"


def test_a_delegation_for_ever_is_told_to_the_last_year_that_can_be_written() -> None:
    with pytest.raises(Malformed, match="9999-12-31"):
        voices(given("a", "*", until=2**38 - 1), given("b", "*")).speaker()


@pytest.mark.parametrize("wanted", [None, WORKS])
def test_a_key_that_was_replaced_is_told_since_when_and_by_what(wanted: str | None) -> None:
    one = Former(party=WORKS, name="Works", did="did:key:zNext", keys=["zNext"], ended=7, compromised=True)
    told = "at entry 7, declared compromised; the party speaks through did:key:zNext"
    with pytest.raises(Malformed, match=f"it stopped speaking for party_works \\(Works\\) {told}"):
        voices(former=[one], wanted=wanted)
    moved = Former(party=WORKS, did="did:webvh:x", keys=["z1", "z2", "z3", "z4"], ended=8, compromised=False)
    with pytest.raises(Malformed, match=r"for party_works at entry 8; .* through did:webvh:x by z1, z2, z3, …"):
        voices(former=[moved, one], wanted=wanted)
    if wanted is not None:
        with pytest.raises(Malformed, match="speaker_former"):
            voices(given("b", "*", by=RHEIN), former=[one], wanted=wanted)


@pytest.mark.parametrize(
    "name", [VICTIM, DELEGATION, VIA, "did:key:zVictim", "party_of_another", "delegation_", "did:x"]
)
def test_a_name_that_is_spelled_as_an_id_chooses_nobody(name: str) -> None:
    with pytest.raises(Malformed, match="speaker_unknown"):
        voices(given("a", "*", by=RHEIN, name=name), wanted=name)
    listed = Speaking(party=RHEIN, did="did:webvh:rhein", name=name)
    with pytest.raises(Malformed, match="speaker_unknown"):
        voices(parties=[listed], wanted=name)
    honest = Acting(delegation=DELEGATION, via=VIA, to=OWN.did, party=VICTIM, did="did:key:zVictim", name="Victim",
                    kinds=["offer.*"], until=NOW + 9)  # fmt: skip
    if name in (VICTIM, DELEGATION, VIA, honest.did):
        assert voices(given("a", "*", by=RHEIN, name=name), honest, wanted=name).speaker("asset.retired").via == VIA


def test_a_name_that_two_parties_have_chooses_neither() -> None:
    theirs = given("b", "*", by=RHEIN, name="works")
    with pytest.raises(
        Malformed, match=r"speaker_unclear: several parties have the name works:\n  party_works \(works\)"
    ):
        voices(given("a", "asset.*"), theirs, wanted="works")
    former = Former(party=WORKS, name="works", did="did:key:zNext", keys=[], ended=7, compromised=False)
    with pytest.raises(Malformed, match="speaker_unclear"):
        voices(theirs, former=[former], wanted="works")
    assert voices(given("a", "asset.*"), given("b", "offer.*"), wanted="works").speaker("offer.opened").via == "b"


def test_a_delegation_that_nobody_named_by_an_id_is_told() -> None:
    told = "party_works (works), under delegation_a: *, until "
    for wanted, said in ((None, told), ("works", told), (WORKS, ""), ("delegation_a", "")):
        asked = voices(given("a", "*"), wanted=wanted)
        assert asked.chosen is None
        asked.speaker("asset.retired")
        assert (asked.chosen or "").startswith(said)
        assert bool(asked.chosen) == bool(said)
    own = voices(parties=[Speaking(party="party_own", did=OWN.iss)])
    own.speaker("asset.retired")
    assert own.chosen is None


LOST = {
    "replaced": {"former": [Former(party=WORKS, did="did:key:z2", keys=["z2"], ended=7, compromised=False)]},
    "revoked": {"former": [Former(party=WORKS, did="did:key:zW", keys=[], ended=7, compromised=False,
                                  delegation="delegation_w")]},
    "left": {"parties": [Speaking(party=WORKS, did="did:key:zW", left=True)]},
    "over": {},
}  # fmt: skip


@pytest.mark.parametrize("why", LOST)
def test_a_key_that_lost_one_party_signs_for_another_only_where_that_is_said(why: str) -> None:
    """Whoever waits for the end of a delegation, with one of their own, does not get what was meant for another."""
    lost = LOST[why]
    over = [given("w", "asset.registered", until=NOW - 1)] if why == "over" else []
    asked = voices(*over, given("b", "*", by=RHEIN), **lost)
    for ask in (asked.speaker, lambda: asked.speaker("asset.retired"), lambda: asked.did):
        with pytest.raises(Malformed, match=WORKS) as former:
            ask()
        assert code(former) == "speaker_former"
        assert f"; if that is meant, sign for {RHEIN} (rhein), under delegation_b: *" in former.value.detail
        assert former.value.detail.endswith(": CADASTRE_FOR=delegation_b")
    for wanted in (RHEIN, "delegation_b", "rhein"):
        assert voices(*over, given("b", "*", by=RHEIN), wanted=wanted, **lost).speaker().via == "b"
    assert voices(*over, given("a", "*"), **lost).speaker().via == "a"  # the party has given it another
    if why != "left":
        own = Speaking(party="party_own", did=OWN.iss)
        assert voices(*over, given("b", "*", by=RHEIN), parties=[own], **lost).speaker() == OWN


def test_of_several_the_one_that_covers_does_not_sign_in_place_of_what_another_party_revoked() -> None:
    revoked = LOST["revoked"]["former"]
    asked = voices(given("a", "asset.registered"), given("b", "*", by=RHEIN), former=revoked)
    with pytest.raises(Malformed, match="delegation_w, under which it acted for party_works, was revoked by entry 7"):
        asked.speaker("asset.retired")
